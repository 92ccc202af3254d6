// Jobs that wait for other jobs (SUBMIT's needs), and jobs that are held.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "base/err.h"
#include "proto/client.h"

struct server;
struct server_job;

// A job that is needed, while it has not ended.
struct need_link {
    LIST_ENTRY(need_link) entry;
    struct server_job *waiter;
    uint64_t job; // that is needed
    bool any;     // however it ends
};
LIST_HEAD(need_links, need_link);

// What a job waits for. Zeroed: nothing.
struct job_needs {
    struct need_link *links; // n of them; malloc'd
    uint32_t n;
    uint32_t open;             // of them, have not ended
    struct need_links waiters; // links of jobs that need this one
    uint32_t blocks;           // of enum core_block
    char failed[PROTO_TEXT_MAX];
};

// Before EV_SUBMIT: what the message asks for. -ENOENT with text: a job that is needed is not
// known.
int needs_take(struct server *server, struct server_job *job, const struct msg_submit *m,
               struct err *err);
// After EV_SUBMIT: a job that is needed has ended badly before.
void needs_settle(struct server_job *job);
// The job has ended: others may start now, or never will.
void needs_ended(struct server_job *job);
// It is freed.
void needs_drop(struct server_job *job);
// False: nothing has changed.
bool job_set_held(struct server_job *job, bool held);
// "3 any:5"
void needs_words(const struct server_job *job, char *ret, size_t size);
