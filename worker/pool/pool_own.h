// What the files of the pool share. Nobody else includes this.
#pragma once
#include "async/loop.h"
#include "worker/jobserver.h"
#include "worker/pool/held.h"
#include "worker/pool/pool.h"
#include "worker/pool/slot.h"

struct pool {
    struct zygote *zygote;
    const struct pool_callbacks *callbacks;
    void *arg;
    struct watch watch; // the zygote's line
    struct pool_step *steps;
    struct held_queue queue;
    struct held_queue waiting; // chunks of steps that are not ready
    struct slot *slots;
    uint32_t n_slots;
    bool broken;
    int64_t mean_ns;
    int64_t kernel_timeout_ns; // the smallest of all steps; 0: none
    bool heavy;                // some step's chunks take more than a slot
    struct post top_up;
    struct timer look;
    struct timer deadline;
    bool deadline_set;
    struct buf lens; // scratch: a result's lengths, aligned
    struct permits permits;
};

// The worker can't go on: tells once.
void pool_fail(struct pool *pool, int code, const char *text);
