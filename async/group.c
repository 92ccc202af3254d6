#include "async/group.h"

#include <errno.h>

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
    task->group_next = group->members;
    if (group->members)
        group->members->group_prev = task;
    group->members = task;
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

void group_cancel(struct group *group)
{
    if (group->cancelled)
        return;
    group->cancelled = true;
    for (struct task *t = group->members; t; t = t->group_next)
        task_cancel(t);
    scope_cancel(&group->scope);
}

void group_member_ended(struct task *task)
{
    struct group *group = task->group;
    if (task->group_prev)
        task->group_prev->group_next = task->group_next;
    else
        group->members = task->group_next;
    if (task->group_next)
        task->group_next->group_prev = task->group_prev;
    task->group = NULL;
    if (task->result < 0 && !group->error && !(task->cancelled && task->result == -ECANCELED)) {
        group->error = task->result;
        group_cancel(group);
    }
    if (!group->members)
        waitq_wake_all(&group->done);
}

int group_wait(struct group *group)
{
    scope_leave(&group->scope);
    int outside = 0;
    while (group->members) {
        struct scope shield;
        if (outside)
            scope_enter_shield(&shield, CLOCK_FOREVER);
        int r = waitq_wait(&group->done);
        if (outside)
            scope_leave(&shield);
        if (r < 0 && !outside) {
            outside = r;
            group->cancelled = true;
            for (struct task *t = group->members; t; t = t->group_next)
                task_cancel(t);
        }
    }
    return group->error ? group->error : outside;
}
