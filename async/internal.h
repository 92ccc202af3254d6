// Shared by the files of async/; not included outside, except by async/operators/.
#pragma once
#include <sys/queue.h>

#include "async/ctx.h"
#include "async/loop.h"
#include "async/scope.h"
#include "async/task.h"
#include "async/waitq.h"
#include "base/container.h"

enum task_state { TASK_READY, TASK_RUNNING, TASK_PARKED, TASK_ENDED };

struct group;

struct task {
    struct ctx ctx;
    STAILQ_ENTRY(task) queued; // in the ready queue, or in the loop's list of free stacks
    enum task_state state;
    int woken_with;
    unsigned refs; // the loop's while it lives, and the handle's
    bool cancelled;
    int result;
    task_fn *fn;
    void *arg;
    const char *name;
    struct scope *scope; // innermost
    struct group *group;
    LIST_ENTRY(task) member; // of the group
    LIST_ENTRY(task) listed; // in the loop
    struct waitq joiners;
    struct post ended;
    void *stack;
};

struct loop {
    struct ctx ctx; // of loop_run's caller, or of the visited loop's own stack
    int epoll_fd;
    int64_t now;
    struct loop_options options;
    struct task *current;
    STAILQ_HEAD(, task) ready;
    unsigned switches_left;
    struct heap timers;
    struct heap idle_timers; // fire when nothing else is left to do
    TAILQ_HEAD(, post) posts;
    LIST_HEAD(, prepare) prepares;
    struct prepare *next_prepare;  // of a round that is under way
    struct watch *dispatching[64]; // watches of this turn's events; NULL once removed
    int n_dispatching;
    size_t n_tasks; // not ended
    LIST_HEAD(, task) tasks;
    STAILQ_HEAD(, task) free_tasks;
    size_t n_free;
    struct waitq children; // child_wait without pidfds: all that wait for a SIGCHLD
    struct watch sigchld;
    bool has_sigchld;
    bool unblock_sigchld; // it was not blocked before
    struct watch wake;    // an eventfd: loop_call() from another thread
    _Atomic(struct call *) calls;
    struct loop_meter *meter; // NULL: nobody wants to know
    struct visited *visited;  // visit.c; NULL: it runs by loop_run()
};

extern _Thread_local struct loop *loop_self;

// What loop_run() does around main. 0 or negative errno; loop_end() follows in either case.
int loop_begin(struct loop *loop, const struct loop_options *options);
void loop_end(struct loop *loop);
// The time now.
int64_t loop_clock(const struct loop *loop);
// One turn (loop.h).
void loop_go_round(struct loop *loop);
// Calls the prepare hooks. True when the loop must not sleep.
bool loop_is_awake(struct loop *loop);
// Puts a task at the end of the ready queue.
void loop_ready(struct loop *loop, struct task *task);
// Takes the first one out of it, to run. NULL: no task is ready.
struct task *loop_take_ready(struct loop *loop);
// Starts a task. NULL: no memory.
struct task *task_begin(task_fn *fn, void *arg, const char *name);
// Suspends the running task until task_wake; returns the code given. The caller has checked
// task_check() before it published itself to its wakers.
int task_park(void);
// Wakes a parked task; false if it is no longer parked.
bool task_wake(struct task *task, int code);
// What an await of `task` must fail with now: 0 or a code.
int task_cause(const struct task *task);
// Wakes the task if it is parked and has a cause.
void task_deliver(struct task *task);
void task_free_all(struct loop *loop);
// Frees what io.c keeps for the loop.
void io_loop_done(struct loop *loop);
// The same for thread.c; begin: 0 or negative errno.
int thread_loop_begin(struct loop *loop);
void thread_loop_done(struct loop *loop);
// Makes the loop's next sleep end at once.
void loop_ring(const struct loop *loop);
// Called when a member ends; in group.c.
void group_member_ended(struct task *task);

struct waiter {
    struct waiter *next, *prev;
    struct task *task;
    bool queued;
};
void waiter_add(struct waitq *q, struct waiter *w);
void waiter_remove(struct waitq *q, struct waiter *w);
