#include "async/waitq.h"

#include <errno.h>

#include "async/internal.h"
#include "base/clock.h"

void waiter_add(struct waitq *q, struct waiter *w)
{
    w->task = task_self();
    w->next = NULL;
    w->prev = q->last;
    w->queued = true;
    if (q->last)
        q->last->next = w;
    else
        q->first = w;
    q->last = w;
}

void waiter_remove(struct waitq *q, struct waiter *w)
{
    if (!w->queued)
        return;
    w->queued = false;
    if (w->prev)
        w->prev->next = w->next;
    else
        q->first = w->next;
    if (w->next)
        w->next->prev = w->prev;
    else
        q->last = w->prev;
}

int waitq_wait(struct waitq *q)
{
    int r = task_check();
    if (r < 0)
        return r;
    struct waiter w;
    waiter_add(q, &w);
    r = task_park();
    waiter_remove(q, &w);
    return r;
}

struct timed_wait {
    struct timer timer;
    struct task *task;
};

static void on_deadline(struct timer *timer)
{
    task_wake(container_of(timer, struct timed_wait, timer)->task, -ETIMEDOUT);
}

int waitq_wait_until(struct waitq *q, int64_t deadline)
{
    if (deadline == CLOCK_FOREVER)
        return waitq_wait(q);
    int r = task_check();
    if (r < 0)
        return r;
    struct timed_wait timed = {.task = task_self()};
    r = timer_set(&timed.timer, deadline, on_deadline);
    if (r < 0)
        return r;
    r = waitq_wait(q);
    timer_cancel(&timed.timer);
    return r;
}

bool waitq_wake_one(struct waitq *q)
{
    while (q->first) {
        struct waiter *w = q->first;
        waiter_remove(q, w);
        if (task_wake(w->task, 0))
            return true;
    }
    return false;
}

void waitq_wake_all(struct waitq *q)
{
    while (waitq_wake_one(q))
        ;
}

int event_flag_wait(struct event_flag *flag)
{
    if (flag->set)
        return task_check();
    return waitq_wait(&flag->q);
}

void event_flag_set(struct event_flag *flag)
{
    flag->set = true;
    waitq_wake_all(&flag->q);
}

int semaphore_get(struct semaphore *s)
{
    int r = task_check();
    while (r == 0 && s->n == 0)
        r = waitq_wait(&s->q);
    if (r == 0)
        s->n--;
    return r;
}

void semaphore_put(struct semaphore *s)
{
    s->n++;
    waitq_wake_one(&s->q);
}
