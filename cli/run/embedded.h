// The coordinator and the workers of a run without a service: the coordinator in this process, the
// worker beside it, or workers by ssh.
#pragma once
#include "async/group.h"
#include "cli/run/hosts.h"
#include "cli/run/local.h"
#include "client/link.h"
#include "coordinator/server.h"

struct embedded {
    struct localdir dir;
    struct local_worker worker;
    struct server *server;
    struct hosts *hosts;         // workers elsewhere; NULL: none
    uint32_t slots;              // of hosts that name none; 0: their CPUs
    bool ending;                 // the job is over, and workers may leave
    struct jobserver *jobserver; // NULL: none. Borrowed
    const char *spool_directory; // as server_options
    uint64_t spool_bytes;
    void (*lost)(void *arg, const char *why);
    void (*say)(void *arg, const char *text); // news for the user, of hosts and of the spool
    void *arg;
};
#define EMBEDDED_INIT ((struct embedded){.worker.lifeline = -1})

// Forks the worker, if this machine has one: before any context, loop and thread of this process.
int embedded_prepare(struct embedded *e, uint32_t slots, struct err *err);
// Opens the coordinator, lets the worker go, links to it. In a task. `lost` is called when the
// worker dies or is lost, or the last host is given up, while not `ending`; from then on nothing
// runs.
int embedded_start(struct embedded *e, struct transport *transport, struct link **ret,
                   struct err *err);
// Watches the worker and starts those of hosts, in tasks of the group.
int embedded_attend(struct embedded *e, struct group *group, struct err *err);
// In a task. Safe without a start.
void embedded_stop(struct embedded *e);
// Outside of a loop, for one that was never started.
void embedded_abandon(struct embedded *e);
