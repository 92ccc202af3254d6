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
};

// The worker can't go on: says so once.
void pool_fail(struct pool *pool, int code, const char *text);
// Passes on what became of a chunk, unless its job is forgotten.
void pool_deliver(struct pool *pool, struct lease_copy *copy, const struct result *result);
// Slots that have a chunk.
uint32_t pool_busy(const struct pool *pool);
// Something changed: a round of hand_out() follows in this turn of the loop.
void pool_wake(struct pool *pool);
