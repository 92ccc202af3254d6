// What the files of the pool share; no other file includes this. Calls go one way:
// pool -> intake, hand_out -> look, begun, zygote_line -> slot_control -> slot -> sent, backlog.
// Back up go slot_ops, and pool_wake() by its post.
#pragma once
#include "async/loop.h"
#include "worker/pool/backlog.h"
#include "worker/pool/permits.h"
#include "worker/pool/pool.h"
#include "worker/pool/slot.h"

LIST_HEAD(pool_steps, pool_step);

// Fewer executors than slots, because the machine is full (full.h).
struct full {
    uint32_t limit; // executors that may live; 0: all slots
    int code;       // of the last refusal
    int64_t wait_ns;
    int64_t since; // the first refusal
    bool closed;   // nothing begins until the next try, or until something has ended
    bool grown;    // there was a try since the last refusal
    bool told;
    bool ever; // a chunk has run well enough to end
    struct timer timer;
};

#define POOL_SUSPECTS 64u // chunks that ran when a zygote was killed: the last so many
struct suspect {
    uint64_t job;
    uint32_t step;
    uint64_t chunk;
};

struct pool {
    struct zygote *zygote;
    const struct pool_callbacks *callbacks;
    void *arg;
    struct watch line; // to the zygote (zygote_line.h)
    struct pool_steps steps;
    struct backlog queue;
    struct backlog waiting; // chunks of steps that are not ready
    struct slot *slots;
    uint32_t n_slots;
    bool broken;
    int64_t paused_at; // 0: it is not
    int64_t mean_ns;
    int64_t kernel_timeout_ns; // the smallest of all steps; 0: none
    bool heavy;                // some step's chunks take more than a slot
    struct post round;         // of hand_out()
    struct timer look;         // look.h
    struct timer begun;        // begun.h
    struct timer deadline;
    bool deadline_set;
    struct timer straggle; // straggle.h
    struct timer throttle; // of a throttled step that is first in the queue
    struct permits permits;
    struct full full;
    struct suspect suspects[POOL_SUSPECTS]; // a ring
    uint32_t next_suspect;
};

// The worker can't go on: says so once.
void pool_fail(struct pool *pool, int code, const char *text);
// Passes on what became of a chunk, unless its job is forgotten.
void pool_deliver(struct pool *pool, struct lease_copy *copy, const struct result *result);
// Slots that have a chunk.
uint32_t pool_busy(const struct pool *pool);
// Something changed: a round of hand_out() follows in this turn of the loop.
void pool_wake(struct pool *pool);
