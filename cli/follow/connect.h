// Commands that talk to a coordinator: find it, link to it, do the work, leave.
#pragma once
#include "cli/args/args.h"
#include "client/link.h"
#include "client/requests.h"
#include "transport/access.h"

struct transport;

struct connect {
    const char *where; // --connect
    const char *key;   // --key
};
extern const struct arg connect_flags[]; // of struct connect
// Of options that have one as their member `connect`.
#define CONNECT_TABLE(s)                                                                           \
    {                                                                                              \
        .list = connect_flags, .offset = offsetof(s, connect)                                      \
    }

// In a task: links to the coordinator of `access`, trying its addresses in turn.
int connect_link(struct transport *transport, const struct access *access, struct link **ret,
                 struct err *err);

// Finds the coordinator and runs a loop with a link to it and `work` in it. What goes wrong before
// is reported on stderr. Returns the exit status: that of `work`, or EXIT_LOST.
typedef int connect_fn(struct link *link, void *arg);
int connect_run(const struct connect *connect, connect_fn *work, void *arg);

// Whether a negative errno means that the coordinator is gone.
bool connect_lost(int r);
// Prints why on stderr and returns the exit status. `link` may know more than `err`; NULL.
int connect_failed(struct link *link, const struct err *err, int r);
// The job's row. 0, -ENOENT when the coordinator has none, and others, with text. Suspends.
int connect_job(struct link *link, uint64_t first, uint64_t last, int64_t deadline,
                struct job_info *ret, struct err *err);

// When the answer to a request that is sent now must have come.
int64_t connect_deadline(void);
