// Steps on their way into the pool: those whose kernels' libraries are on this machine go straight
// in, the others wait until the coordinator has sent them.
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "base/err.h"
#include "proto/message.h"
#include "worker/agent/libraries.h"

struct pool;

struct arriving {
    struct pool *pool;
    // Asks the coordinator for a library. Called once for each, however many steps want it.
    void (*need)(void *arg, const struct msg_need *need);
    void *arg;
    struct libraries libraries;
    LIST_HEAD(, arriving_step) steps; // each waits for one library
};

// Borrows all of it.
void arriving_init(struct arriving *a, struct pool *pool,
                   void (*need)(void *arg, const struct msg_need *need), void *arg);
// Safe on one that was never initialised (all zero).
void arriving_done(struct arriving *a);
// Blocking for the time of reading libraries that were not seen before. -EPROTO with text; -ENOMEM.
int arriving_step(struct arriving *a, const struct msg_step *step, struct err *err);
// A library came, or the reason why it does not. -EPROTO with text: it is another one.
int arriving_library(struct arriving *a, struct msg_library *library, const void *data, size_t len,
                     struct err *err);
// What was asked for may not have arrived: it is asked for once more.
void arriving_ask_again(struct arriving *a);
// The job is over. 0: all jobs.
void arriving_forget(struct arriving *a, uint64_t job);
