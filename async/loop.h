// The event loop: one per thread, on epoll. It leaves only when its main task and all others ended.
//
// A turn: due timers, posted calls, ready tasks (at most LOOP_SWITCHES of them), prepare hooks,
// then epoll_wait, which sleeps only when nothing is ready and no hook asked to stay awake. Times
// are nanoseconds of CLOCK_MONOTONIC (base/clock.h). Nothing here is thread-safe; async/thread.h
// is.
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/queue.h>

#include "base/heap.h"

typedef int task_fn(void *arg);

struct loop;

struct loop_options {
    size_t stack_bytes; // of each task; 0: LOOP_STACK_BYTES
    size_t max_tasks;   // at a time; one more gets -ENOMEM. 0: no limit
    // Tasks to run in a turn; 0: LOOP_SWITCHES. With 1 each suspension ends a turn, so that a
    // prepare hook sees them one by one: tests cancel there.
    unsigned switches;
    // Called when a task kept the loop for `slow_ns` or longer without an await. 0: never.
    int64_t slow_ns;
    void (*slow)(void *arg, const char *task, int64_t ns);
    // Time for tests: `clock` returns it, `idle` is called with the next deadline instead of
    // sleeping when no descriptor is ready. Both or none.
    int64_t (*clock)(void *arg);
    void (*idle)(void *arg, int64_t deadline);
    void *arg;          // of all three
    bool without_pidfd; // as on kernels before 5.3: child_wait() goes by SIGCHLD
};

#define LOOP_STACK_BYTES ((size_t)128 << 10)
#define LOOP_SWITCHES 256

// Runs main(arg) as a task until it and every task it began have ended. Returns main's result, or a
// negative errno when the loop could not start. A thread runs one loop at a time.
int loop_run(task_fn *main, void *arg);
int loop_run_opts(const struct loop_options *options, task_fn *main, void *arg);
// The running loop, or NULL.
struct loop *loop_current(void);
// The time at the beginning of this turn.
int64_t loop_now(void);
// How long the turns of a loop are, for a program that must never be deaf. The thread's CPU time
// decides what is long: on a busy machine the wall's clock says nothing about the program.
struct loop_meter {
    int64_t limit_ns; // of CPU time
    // A turn took longer; called at its end. Optional.
    void (*over)(struct loop_meter *meter, int64_t cpu_ns, int64_t wall_ns);
    uint64_t n_over;
    int64_t longest_cpu_ns;
    int64_t longest_wall_ns;
    int64_t cpu_at, wall_at; // the loop's own: when this turn began
};
// Measures from the next turn on; it costs two system calls a turn. Borrowed until loop_unmeter().
void loop_meter(struct loop_meter *meter);
void loop_unmeter(void);
// For a forked child, which must not use its parent's loop: closes its descriptors, forgets it.
void loop_after_fork_child(void);
// A line for each task that lives: its name, its state, and what its awaits fail with if they do.
void loop_dump(FILE *out);

// A call in the next turn. The caller owns the struct until it was called or cancelled.
struct post {
    TAILQ_ENTRY(post) entry;
    void (*fn)(struct post *post);
    bool queued;
};
// Does nothing when it is queued already.
void loop_post(struct post *post, void (*fn)(struct post *post));
void loop_unpost(struct post *post);

// A descriptor in the loop, level-triggered. The caller owns the struct and the descriptor; remove
// the watch before closing it. `fn` gets EPOLL* bits.
struct watch {
    int fd;
    uint32_t events;
    void (*fn)(struct watch *watch, uint32_t events);
};
// 0 or negative errno: -EPERM for a regular file, which is always ready.
int watch_add(struct watch *watch, int fd, uint32_t events,
              void (*fn)(struct watch *watch, uint32_t events));
int watch_modify(struct watch *watch, uint32_t events);
// Safe on a watch that was never added (all zero) or was removed.
void watch_remove(struct watch *watch);

// A call at a time. The caller owns the struct until it fired or was cancelled.
struct timer {
    struct heap_node node;
    void (*fn)(struct timer *timer);
    bool idle;
};
// Sets or moves the timer. One for the past fires in the next turn, after those that were due
// before it. -ENOMEM.
int timer_set(struct timer *timer, int64_t deadline, void (*fn)(struct timer *timer));
// The same, but while the loop has anything else to do it waits, for LOOP_PATIENCE_NS at most:
// whatever came in time is seen before it is too late.
int timer_set_idle(struct timer *timer, int64_t deadline, void (*fn)(struct timer *timer));
#define LOOP_PATIENCE_NS 100000000
void timer_cancel(struct timer *timer);

// A call before each sleep: for sources whose descriptors show edges only. Returning true keeps the
// loop awake for another turn.
struct prepare {
    LIST_ENTRY(prepare) entry;
    bool (*fn)(struct prepare *prepare);
};
void prepare_add(struct prepare *prepare, bool (*fn)(struct prepare *prepare));
// A hook may remove itself or any other. Safe on one that was never added (all zero).
void prepare_remove(struct prepare *prepare);
