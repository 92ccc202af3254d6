// Scopes: deadlines, cancellation of a part of a task, and shields against both. Strictly nested in
// one function or its callers (asserted); the struct lives on the task's stack.
#pragma once
#include <stdbool.h>

#include "async/task.h"

struct scope {
    struct scope *outer;
    struct task *task;
    struct timer timer;
    int fired; // 0, -ECANCELED or -ETIMEDOUT
    bool shield;
};

// Awaits inside fail with -ETIMEDOUT after that time. CLOCK_FOREVER: only scope_cancel() ends it.
void scope_enter(struct scope *scope, int64_t timeout_ns);
// The same until a time, but what the loop has to do anyway comes first: whoever gives up then has
// seen all that came in time. A deadline of the past makes awaits try without waiting.
void scope_enter_idle(struct scope *scope, int64_t deadline);
// Awaits inside do not feel what was cancelled outside, for at most `grace_ns`: cleanup may await.
void scope_enter_shield(struct scope *scope, int64_t grace_ns);
// From any task of the loop. Idempotent.
void scope_cancel(struct scope *scope);
// 0, or the code this very scope fired with: -ETIMEDOUT from here is ours, else it belongs outside.
int scope_leave(struct scope *scope);

// The statement after it runs once, in a scope that is left however the statement is: at its end,
// by break or by return. `name` is the scope: what is inside can look at name.fired.
//
//     SCOPE_TIMEOUT(s, 5 * NS_PER_S)
//         r = chan_recv(c, &item);
#define SCOPE_TIMEOUT(name, timeout_ns)                                                            \
    for (struct scope name __attribute__((cleanup(scope_leave_block))),                            \
         *name##_once = (scope_enter(&name, timeout_ns), &name);                                   \
         name##_once; name##_once = NULL)
static inline void scope_leave_block(struct scope *scope)
{
    scope_leave(scope);
}
