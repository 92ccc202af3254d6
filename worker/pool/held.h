// What the pool holds: steps, leases of their chunks, and the queue of chunks that no executor has
// yet. A lease is copied once and shared by count; queue and slots point into it.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "proto/message.h"

struct pool_step {
    struct pool_step *next;
    unsigned refs; // one of the list, one of each lease
    uint64_t job;
    uint32_t step;
    int64_t mean_ns;           // of recent chunks; 0: none ran yet
    uint32_t weight;           // slots that a chunk of it takes
    int64_t kernel_timeout_ns; // the smallest of its kernels' timeouts; 0: none has one
    bool forgotten;            // not in the list any more: its chunks are wanted by nobody
    uint64_t *known;           // bit by slot: its executor has the definition
    size_t n_known;            // words of `known`
    bool waits;                // for a kernel's library: its chunks are not in the queue yet
    char *hopeless;            // why none of its chunks can run; NULL
    uint8_t *packed;
    size_t packed_len;
};
// Checks the packed bytes. -EPROTO with text, -ENOMEM.
int pool_step_new(const struct msg_step *from, uint32_t slots, struct pool_step **ret,
                  struct err *err);
void pool_step_unref(struct pool_step *step);
static inline bool pool_step_is_known(const struct pool_step *step, uint32_t slot)
{
    return step->known[slot / 64] >> slot % 64 & 1;
}
static inline void pool_step_know(struct pool_step *step, uint32_t slot, bool known)
{
    uint64_t bit = 1ull << slot % 64;
    step->known[slot / 64] = known ? step->known[slot / 64] | bit : step->known[slot / 64] & ~bit;
}

struct held {
    unsigned refs;
    struct pool_step *step;
    struct lease lease; // lens and body point into this allocation
    uint32_t *offsets;  // where each chunk's payload begins, and the end of the last; NULL: none
};
// Copies the lease. One count for the caller. -ENOMEM.
int held_new(struct pool_step *step, const struct lease *lease, struct held **ret);
void held_unref(struct held *held);
static inline size_t held_bytes(const struct held *held, uint32_t from, uint32_t to)
{
    return held->offsets ? held->offsets[to] - held->offsets[from] : 0;
}

// Chunks at .. end-1 of a lease.
struct held_part {
    struct held_part *next;
    struct held *held;
    uint32_t at;
    uint32_t end;
};
struct held_queue {
    struct held_part *first;
    struct held_part *last;
    uint64_t chunks;
};
// Both take a count of their own. -ENOMEM.
int held_queue_push(struct held_queue *q, struct held *held, uint32_t at, uint32_t end);
int held_queue_push_front(struct held_queue *q, struct held *held, uint32_t at, uint32_t end);
// The first `n` chunks of the first part leave; n is at most what it has.
void held_queue_drop(struct held_queue *q, uint32_t n);
// Parts of the step go to the end of another queue.
void held_queue_move(struct held_queue *from, struct held_queue *to, const struct pool_step *step);
// Takes out the chunks of a job, or all, and names each run of them; `back` may be NULL.
void held_queue_return(struct held_queue *q, uint64_t job, bool all_jobs,
                       void (*back)(void *arg, const struct msg_return *run), void *arg);
void held_queue_done(struct held_queue *q);
