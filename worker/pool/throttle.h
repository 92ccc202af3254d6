// When chunks of a throttled step may begin: not before a delay is over, and not while the machine
// has too much to do or too little memory.
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "pipelines/plan.h"

// What the machine has, as /proc says it.
struct machine_state {
    uint32_t running;       // processes that run or could run, without the one that asks
    uint32_t cpus;          // that this process may use
    uint64_t memfree_bytes; // available to programs without swapping
};

// Whether a chunk may begin at `now`, if the last one began at `last` (0: none has). *ret_again:
// when to ask again, `now` if it may. `read` is called only if the machine matters.
bool throttle_open(const struct throttle *t, int64_t now, int64_t last,
                   void (*read)(struct machine_state *ret), int64_t *ret_again);
// Reads /proc. What can't be read does not count against the step. Blocking, briefly.
void machine_state_read(struct machine_state *ret);
