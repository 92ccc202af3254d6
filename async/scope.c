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
    fire(container_of(timer, struct scope, timer), -ETIMEDOUT);
}

static void enter(struct scope *scope)
{
    struct task *task = task_self();
    *scope = (struct scope){.outer = task->scope, .task = task};
    task->scope = scope;
}

// Without memory for the timer the deadline is now: late is worse than early.
static void set_deadline(struct scope *scope, int64_t deadline,
                         int (*set)(struct timer *, int64_t, void (*)(struct timer *)))
{
    if (deadline != CLOCK_FOREVER && set(&scope->timer, deadline, on_deadline) < 0)
        scope->fired = -ETIMEDOUT;
}

void scope_enter(struct scope *scope, int64_t timeout_ns)
{
    enter(scope);
    set_deadline(scope, clock_after(loop_now(), timeout_ns), timer_set);
}

void scope_enter_idle(struct scope *scope, int64_t deadline)
{
    enter(scope);
    set_deadline(scope, deadline, timer_set_idle);
}

void scope_enter_shield(struct scope *scope, int64_t grace_ns)
{
    scope_enter(scope, grace_ns);
    scope->shield = true;
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
