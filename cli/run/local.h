// The worker of a local run: a process that ends with this one, however this one ends.
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "transport/localdir.h"

struct local_worker {
    pid_t pid;    // 0: none, or reaped
    int lifeline; // writing end of its lifeline
};

// Forks the worker. Must come before any ZeroMQ context, loop and thread of this process. The
// worker waits for local_worker_go() before it connects.
struct jobserver; // NULL: none; borrowed for the call
int local_worker_start(const struct localdir *dir, uint32_t slots, struct jobserver *js,
                       struct local_worker *ret, struct err *err);
// The endpoint is bound.
void local_worker_go(struct local_worker *worker);
// All that it runs stands still, or goes on. Safe without a worker.
void local_worker_pause(struct local_worker *worker, bool pause);
// Breaks the lifeline and waits until the process has ended; after some seconds, kills it.
// Suspends: for tasks. Safe to call twice.
void local_worker_stop(struct local_worker *worker);
// The same outside of a loop, for a worker that never got its go: blocks until it has ended.
void local_worker_abandon(struct local_worker *worker);
