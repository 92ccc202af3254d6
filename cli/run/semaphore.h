// A counting semaphore that all processes of a user on this machine share, by its name. The kernel
// keeps it (System V, semop(2) with SEM_UNDO), so that a place that was taken is free again however
// its process ends.
#pragma once
#include <stdint.h>

#include "base/err.h"

struct semaphore {
    int key;
    int id; // of the set
    uint32_t limit;
};

// `limit`: how many may hold it at once, at least 1. The last call that says another number wins; a
// smaller one takes effect as places become free.
int semaphore_open(const char *name, uint32_t limit, struct semaphore *ret, struct err *err);
// Takes a place; the calling process holds it until semaphore_leave() or its end, and no child of
// it does. Blocks, for at most timeout_ns (CLOCK_FOREVER: for ever). -ETIMEDOUT, -EINTR.
int semaphore_take(struct semaphore *s, int64_t timeout_ns, struct err *err);
// Gives the place back. When nobody holds or wants one, nothing of the semaphore stays.
void semaphore_leave(struct semaphore *s);
// Blocks until nobody holds it. 0 at once if it does not exist. -EINTR.
int semaphore_wait(const char *name, struct err *err);
