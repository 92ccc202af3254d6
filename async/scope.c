#include "async/scope.h"

#include <assert.h>
#include <errno.h>

#include "async/internal.h"
#include "base/clock.h"

static void fire(struct scope *scope, int code)
{
    if (scope->fired)
        return;
    scope->fired = code;
    task_deliver(scope->task);
}

static void on_deadline(struct timer *timer)
{
    fire((struct scope *)((char *)timer - offsetof(struct scope, timer)), -ETIMEDOUT);
}

static void enter(struct scope *scope, int64_t timeout_ns, bool shield)
{
    struct task *task = task_self();
    *scope = (struct scope){.outer = task->scope, .task = task, .shield = shield};
    task->scope = scope;
    // Without memory for the timer the deadline is now: late is worse than early.
    if (timeout_ns != CLOCK_FOREVER &&
        timer_set(&scope->timer, clock_after(loop_now(), timeout_ns), on_deadline) < 0)
        scope->fired = -ETIMEDOUT;
}

void scope_enter(struct scope *scope, int64_t timeout_ns)
{
    enter(scope, timeout_ns, false);
}

void scope_enter_shield(struct scope *scope, int64_t grace_ns)
{
    enter(scope, grace_ns, true);
}

void scope_cancel(struct scope *scope)
{
    fire(scope, -ECANCELED);
}

int scope_leave(struct scope *scope)
{
    struct task *task = task_self();
    assert(task->scope == scope);
    task->scope = scope->outer;
    timer_cancel(&scope->timer);
    return scope->fired;
}
