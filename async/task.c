#include "async/task.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "async/internal.h"
#include "base/clock.h"

#define FREE_TASKS_MAX 256 // kept with their stacks for the next spawn

struct task *task_self(void)
{
    return loop_self->current;
}

const char *task_name(const struct task *task)
{
    return task->name;
}

// From the inside out: a shield hides what lies outside it, and the outermost cause that is visible
// counts, because it is the one that ends the most.
int task_cause(const struct task *task)
{
    int cause = 0;
    for (const struct scope *s = task->scope; s; s = s->outer) {
        if (s->fired)
            cause = s->fired;
        if (s->shield)
            return cause;
    }
    return task->cancelled ? -ECANCELED : cause;
}

int task_check(void)
{
    return task_cause(loop_self->current);
}

bool task_wake(struct task *task, int code)
{
    if (task->state != TASK_PARKED)
        return false;
    task->woken_with = code;
    loop_ready(loop_self, task);
    return true;
}

void task_deliver(struct task *task)
{
    int cause = task_cause(task);
    if (cause)
        task_wake(task, cause);
}

void task_cancel(struct task *task)
{
    if (task->cancelled || task->state == TASK_ENDED)
        return;
    task->cancelled = true;
    task_deliver(task);
}

// Takes the next ready task, or the loop itself when the turn is over.
static struct ctx *next_context(struct loop *loop)
{
    struct task *next = loop->switches_left ? loop_take_ready(loop) : NULL;
    return next ? &next->ctx : &loop->ctx;
}

static void switch_away(struct task *task)
{
    struct loop *loop = loop_self;
    struct ctx *to = next_context(loop);
    if (to != &task->ctx)
        ctx_switch(&task->ctx, to);
}

int task_park(void)
{
    struct task *task = loop_self->current;
    assert(task);
    task->state = TASK_PARKED;
    switch_away(task);
    return task->woken_with;
}

int task_yield(void)
{
    struct task *task = loop_self->current;
    int r = task->scope || task->cancelled ? task_cause(task) : 0;
    if (r < 0)
        return r;
    loop_ready(loop_self, task);
    switch_away(task);
    return 0;
}

struct sleeper {
    struct timer timer;
    struct task *task;
};

static void on_sleep_over(struct timer *timer)
{
    task_wake(container_of(timer, struct sleeper, timer)->task, 0);
}

int task_sleep_until(int64_t deadline)
{
    int r = task_check();
    if (r < 0)
        return r;
    struct sleeper sleeper = {.task = task_self()};
    r = timer_set(&sleeper.timer, deadline, on_sleep_over);
    if (r == 0)
        r = task_park();
    timer_cancel(&sleeper.timer);
    return r;
}

int task_sleep(int64_t ns)
{
    return task_sleep_until(clock_after(loop_now(), ns));
}

void task_unref(struct task *task)
{
    if (--task->refs)
        return;
    struct loop *loop = loop_self;
    if (loop->n_free < FREE_TASKS_MAX) {
        STAILQ_INSERT_HEAD(&loop->free_tasks, task, queued);
        loop->n_free++;
        return;
    }
    ctx_stack_free(task->stack, loop->options.stack_bytes);
    free(task);
}

void task_free_all(struct loop *loop)
{
    struct task *task;
    while ((task = STAILQ_FIRST(&loop->free_tasks))) {
        STAILQ_REMOVE_HEAD(&loop->free_tasks, queued);
        ctx_stack_free(task->stack, loop->options.stack_bytes);
        free(task);
    }
}

// The stack of an ended task is given back from the loop's own stack or the next task's: it must
// not be reused while it still runs. So the last reference is dropped by a post.
static void drop_ended(struct post *post)
{
    task_unref(container_of(post, struct task, ended));
}

static void remember(struct loop *loop, struct task *task)
{
    loop->n_tasks++;
    LIST_INSERT_HEAD(&loop->tasks, task, listed);
}

static void forget(struct loop *loop, struct task *task)
{
    loop->n_tasks--;
    LIST_REMOVE(task, listed);
}

static void task_main(void *arg)
{
    struct task *task = arg;
    struct loop *loop = loop_self;
    ctx_entered();
    task->result = task->fn(task->arg);
    assert(!task->scope);
    task->state = TASK_ENDED;
    forget(loop, task);
    waitq_wake_all(&task->joiners);
    if (task->group)
        group_member_ended(task);
    loop_post(&task->ended, drop_ended);
    struct ctx *to = next_context(loop);
    ctx_leave(&task->ctx, to, 0);
}

struct task *task_begin(task_fn *fn, void *arg, const char *name)
{
    struct loop *loop = loop_self;
    if (loop->options.max_tasks && loop->n_tasks >= loop->options.max_tasks)
        return NULL;
    struct task *task = STAILQ_FIRST(&loop->free_tasks);
    if (task) {
        STAILQ_REMOVE_HEAD(&loop->free_tasks, queued);
        loop->n_free--;
        void *stack = task->stack;
        *task = (struct task){.stack = stack};
    } else {
        task = calloc(1, sizeof(*task));
        if (!task)
            return NULL;
        task->stack = ctx_stack_new(loop->options.stack_bytes);
        if (!task->stack) {
            free(task);
            return NULL;
        }
    }
    task->refs = 2;
    task->fn = fn;
    task->arg = arg;
    task->name = name;
    ctx_init(&task->ctx, task->stack, loop->options.stack_bytes, task_main, task);
    remember(loop, task);
    loop_ready(loop, task);
    return task;
}

int task_join(struct task *task)
{
    while (task->state != TASK_ENDED) {
        int r = waitq_wait(&task->joiners);
        if (r < 0)
            return r;
    }
    int result = task->result;
    task_unref(task);
    return result;
}
