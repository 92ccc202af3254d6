// Queues of waiting tasks, and the small tools made of them. First come, first woken.
#pragma once
#include <stdbool.h>
#include <stdint.h>

struct waiter;

struct waitq {
    struct waiter *first;
    struct waiter *last;
};

// Suspends until woken. 0, or the cause of a cancel. A wake-up is never lost: a task that was woken
// returns 0 even if it was cancelled in the same turn, and a cancelled waiter doesn't swallow one.
int waitq_wait(struct waitq *q);
// As waitq_wait; -ETIMEDOUT after the deadline.
int waitq_wait_until(struct waitq *q, int64_t deadline);
// True if a task was waiting.
bool waitq_wake_one(struct waitq *q);
void waitq_wake_all(struct waitq *q);

// A flag to wait for.
struct event_flag {
    bool set;
    struct waitq q;
};
int event_flag_wait(struct event_flag *flag);
void event_flag_set(struct event_flag *flag);

struct semaphore {
    unsigned n;
    struct waitq q;
};
int semaphore_get(struct semaphore *s);
void semaphore_put(struct semaphore *s);
