#include "async/group.h"

#include <errno.h>
#include <stdlib.h>

#include "async/internal.h"
#include "base/clock.h"

void group_open(struct group *group)
{
    *group = (struct group){0};
    scope_enter(&group->scope, CLOCK_FOREVER);
}

struct task *group_go(struct group *group, const char *name, task_fn *fn, void *arg)
{
    if (group->cancelled)
        return NULL;
    struct task *task = task_begin(fn, arg, name);
    if (!task)
        return NULL;
    task->group = group;
    LIST_INSERT_HEAD(&group->members, task, member);
    return task;
}

int group_spawn(struct group *group, const char *name, task_fn *fn, void *arg)
{
    struct task *task = group_go(group, name, fn, arg);
    if (!task)
        return group->cancelled ? -ECANCELED : -ENOMEM;
    task_unref(task);
    return 0;
}

static void cancel_members(struct group *group)
{
    group->cancelled = true;
    struct task *t;
    LIST_FOREACH (t, &group->members, member)
        task_cancel(t);
}

void group_cancel(struct group *group)
{
    if (group->cancelled)
        return;
    cancel_members(group);
    if (group->scope.task)
        scope_cancel(&group->scope);
}

void group_member_ended(struct task *task)
{
    struct group *group = task->group;
    LIST_REMOVE(task, member);
    task->group = NULL;
    if (task->result < 0 && !group->error && !(task->cancelled && task->result == -ECANCELED)) {
        group->error = task->result;
        group_cancel(group);
    }
    if (LIST_EMPTY(&group->members))
        waitq_wake_all(&group->done);
}

// Waits for the members, the second time without feeling a cancel.
static int wait_members(struct group *group)
{
    int outside = 0;
    while (!LIST_EMPTY(&group->members)) {
        struct scope shield;
        if (outside)
            scope_enter_shield(&shield, CLOCK_FOREVER);
        int r = waitq_wait(&group->done);
        if (outside)
            scope_leave(&shield);
        if (r < 0 && !outside) {
            outside = r;
            cancel_members(group);
        }
    }
    return outside;
}

int group_wait(struct group *group)
{
    scope_leave(&group->scope);
    int outside = wait_members(group);
    return group->error ? group->error : outside;
}

void group_end(struct group *group)
{
    cancel_members(group);
    wait_members(group);
}

struct gathered {
    task_fn *fn;
    void *arg;
    int *result;
};

static int gather_one(void *arg)
{
    struct gathered one = *(struct gathered *)arg;
    *one.result = one.fn(one.arg);
    return *one.result < 0 ? *one.result : 0;
}

int group_gather(task_fn *const *fns, void *const *args, size_t n, int *results)
{
    struct gathered *all = calloc(n ? n : 1, sizeof(*all));
    if (!all)
        return -ENOMEM;
    struct group group;
    group_open(&group);
    int r = 0;
    for (size_t i = 0; i < n; i++) {
        all[i] = (struct gathered){fns[i], args ? args[i] : NULL, &results[i]};
        results[i] = -ECANCELED; // of those that don't begin
        if (r == 0)
            r = group_spawn(&group, "gather", gather_one, &all[i]);
    }
    if (r < 0)
        group_cancel(&group);
    int waited = group_wait(&group);
    free(all);
    return r < 0 ? r : waited;
}
