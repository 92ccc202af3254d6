// Tasks: coroutines with a stack. A plain C function may await: any call described as suspending
// lets other tasks run meanwhile. Each await returns >= 0 or a negative errno; -ECANCELED and
// -ETIMEDOUT are ordinary error returns, and stay: once a task or a scope around it was cancelled,
// every later await in it fails at once, until it is left (async/scope.h).
#pragma once
#include "async/loop.h"

struct task;

struct task *task_self(void);
const char *task_name(const struct task *task);
// 0, or what the next await would fail with. Does not suspend.
int task_check(void);
// Lets the other ready tasks run once. 0 or the cause of a cancel.
int task_yield(void);
// Suspends until the time. 0 or the cause of a cancel.
int task_sleep(int64_t ns);
int task_sleep_until(int64_t deadline);
// Asks the task to end: its awaits fail with -ECANCELED from now on. Idempotent; safe on an ended
// one.
void task_cancel(struct task *task);

// A handle from group_go() is owned: give it to task_join() or task_unref().
// Returns the task's result; or the caller's own cancel, and then the handle is kept.
int task_join(struct task *task);
void task_unref(struct task *task);
