// Groups: tasks that end together. The struct lives on the stack of the function that waits for it;
// between open and wait awaits of the body fail with -ECANCELED once a member failed.
#pragma once
#include <sys/queue.h>

#include "async/scope.h"
#include "async/waitq.h"

struct group {
    struct scope scope;
    LIST_HEAD(, task) members; // all that have not ended
    struct waitq done;
    int error; // first failure of a member; one that was cancelled and says so has not failed
    bool cancelled;
};

void group_open(struct group *group);
// Begins a task in the group; it runs in this turn or the next. `name` is borrowed for the task's
// life. -ENOMEM (or the loop is at max_tasks), or -ECANCELED when the group is closing.
int group_spawn(struct group *group, const char *name, task_fn *fn, void *arg);
// As group_spawn, with an owned handle (task_join or task_unref); NULL on failure.
struct task *group_go(struct group *group, const char *name, task_fn *fn, void *arg);
void group_cancel(struct group *group);
// Cancels what is left of a group that was never opened (all zero: no scope of a body belongs to
// it), and waits for its end even if the caller is cancelled. For streams that own tasks.
void group_end(struct group *group);
// Waits for all members, however long: a cancel from outside is passed on to them first. Returns
// the first member's error, else the outside cancel's code, else 0. Call it exactly once.
int group_wait(struct group *group);
// Runs fns[i](args[i]) beside each other and waits for all (args NULL: no arguments). The first
// error cancels the rest and is returned, as group_wait() does; else 0. results[i]: what each
// returned, -ECANCELED for one that never began.
int group_gather(task_fn *const *fns, void *const *args, size_t n, int *results);
