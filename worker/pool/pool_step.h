// A step as the pool knows it: its definition for executors, and what was learnt about its chunks.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "base/err.h"
#include "pipelines/plan.h"
#include "proto/message.h"
#include "worker/pool/times.h"

struct pool_step {
    LIST_ENTRY(pool_step) entry;
    unsigned refs; // one of the list, one of each lease
    uint64_t job;
    uint32_t step;
    struct throttle throttle;
    int64_t began;             // when a chunk of a throttled step was last given; 0: never
    int64_t closed_until;      // its throttle is not asked before; 0: it is
    uint32_t timeout_percent;  // of the median time of its chunks; 0: none
    struct times times;        // of its good chunks, when timeout_percent asks for them
    int64_t mean_ns;           // of recent chunks; 0: none has run yet
    uint32_t weight;           // slots that one of its chunks takes
    int64_t kernel_timeout_ns; // the smallest of its kernels' timeouts; 0: none has one
    bool is_foreign;           // it runs code of the job within the executor: a library of its own
    bool forgotten;            // no longer in the list: its chunks are not wanted
    uint64_t *known;           // bit by slot: its executor has the definition
    bool waits;                // for a kernel's library: its chunks are not in the queue yet
    char *hopeless;            // why none of its chunks can run; NULL
    uint8_t *packed;
    size_t packed_len;
};
// Checks the packed bytes and copies them. The step waits until pool_ready(). -EPROTO with text,
// -ENOMEM.
int pool_step_new(const struct msg_step *from, uint32_t slots, struct pool_step **ret,
                  struct err *err);
// Why a chunk of it was ended that took longer than the others, for people.
void pool_step_over_time(const struct pool_step *step, char *ret, size_t size);
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
