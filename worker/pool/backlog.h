// The backlog: chunks that were leased to this worker and that no executor has yet, in the order in
// which they run.
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "proto/message.h"
#include "worker/pool/lease_copy.h"

// Chunks at .. end-1 of a lease.
struct backlog_part {
    TAILQ_ENTRY(backlog_part) entry;
    struct lease_copy *copy;
    uint32_t at;
    uint32_t end;
};
TAILQ_HEAD(backlog_parts, backlog_part);
struct backlog {
    struct backlog_parts parts;
    uint64_t chunks;
};
void backlog_init(struct backlog *b);
void backlog_done(struct backlog *b);
static inline struct backlog_part *backlog_first(const struct backlog *b)
{
    return TAILQ_FIRST(&b->parts);
}
// Both take a count of their own. -ENOMEM.
int backlog_push(struct backlog *b, struct lease_copy *copy, uint32_t at, uint32_t end);
int backlog_push_front(struct backlog *b, struct lease_copy *copy, uint32_t at, uint32_t end);
// The first `n` chunks of the first part leave; n is at most what it has.
void backlog_drop(struct backlog *b, uint32_t n);
// Takes out what it has of a run of chunks, and names it. -ENOMEM.
int backlog_take(struct backlog *b, const struct msg_return *run,
                 void (*back)(void *arg, const struct msg_return *run), void *arg);
// Parts of the step go to the end of another backlog.
void backlog_move(struct backlog *from, struct backlog *to, const struct pool_step *step);
// Parts of the step go behind all others.
void backlog_pass(struct backlog *b, const struct pool_step *step);
// Takes out the chunks of a job, or all, and names each run of them; `back` may be NULL.
void backlog_return(struct backlog *b, uint64_t job, bool all_jobs,
                    void (*back)(void *arg, const struct msg_return *run), void *arg);
