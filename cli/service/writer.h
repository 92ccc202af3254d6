// Brings the records of detached jobs to the sinks that write files, from within the coordinator's
// process: a client of it like any other, so that a file is written where the coordinator runs,
// whoever submitted the job.
#pragma once
#include "async/group.h"
#include "client/link.h"
#include "coordinator/server.h"

struct writers {
    struct link *link;
    struct server *server;
    struct group group;
    bool is_open;
};

int writers_open(struct writers *w, struct transport *transport, const char *endpoint,
                 struct err *err);
// A job has begun: writes its sink, if it is a detached one with a file or folder.
void writers_look(struct writers *w, struct server *server, uint64_t job);
// Suspends. Unfinished files are dropped.
void writers_close(struct writers *w);
