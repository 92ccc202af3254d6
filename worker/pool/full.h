// The machine is full: it refuses processes for now. Nothing fails for that. The chunk goes back to
// the queue at no attempt's cost, the pool does with fewer executors, and tries for more after a
// while, longer each time; what ends in between makes room by itself. It is told once.
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "worker/pool/pool_own.h"

#define FULL_FIRST_NS (100 * 1000000ll)   // until the next try for more
#define FULL_MOST_NS (30 * 1000000000ll)  // this doubles up to here
#define FULL_ALONE_NS (1 * 1000000000ll)  // or here, when the worker has nothing that could end
#define FULL_NEVER_NS (60 * 1000000000ll) // of a worker that could not start one program yet

// A program of the slot, or its executor, could not be started; `code`: why.
void full_note(struct pool *pool, struct slot *slot, int code);
// Whether one more executor may be forked beside `alive` ones.
bool full_may_fork(const struct pool *pool, uint32_t alive);
// Whether a chunk may begin on a slot that is idle.
bool full_may_begin(const struct pool *pool);
// A chunk has ended, so its process is gone: there may be room.
void full_ended(struct pool *pool);
void full_stop(struct pool *pool);
