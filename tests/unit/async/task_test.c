#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "async/group.h"
#include "async/operators/chan.h"
#include "async/scope.h"
#include "async/task.h"
#include "base/clock.h"
#include "run.h"

static int returns_seven(void *arg)
{
    (void)arg;
    cr_assert_eq(task_check(), 0);
    return 7;
}

Test(loop, returns_the_result_of_main)
{
    cr_assert_eq(run_real(returns_seven, NULL), 7);
    cr_assert_null(loop_current());
}

struct letters {
    char text[32];
    size_t len;
};

static int writes_a(void *arg)
{
    struct letters *l = arg;
    for (int i = 0; i < 3; i++) {
        l->text[l->len++] = 'a';
        task_yield();
    }
    return 0;
}

static int writes_b(void *arg)
{
    struct letters *l = arg;
    for (int i = 0; i < 3; i++) {
        l->text[l->len++] = 'b';
        task_yield();
    }
    return 0;
}

static int two_writers(void *arg)
{
    struct group g;
    group_open(&g);
    group_spawn(&g, "a", writes_a, arg);
    group_spawn(&g, "b", writes_b, arg);
    return group_wait(&g);
}

Test(task, yields_take_turns_in_order)
{
    struct letters l = {0};
    cr_assert_eq(run_virtual(two_writers, &l), 0);
    cr_assert_str_eq(l.text, "ababab");
}

static int sleeps(void *arg)
{
    (void)arg;
    int64_t before = loop_now();
    cr_assert_eq(task_sleep(5 * NS_PER_S), 0);
    cr_assert_eq(loop_now() - before, 5 * NS_PER_S);
    return 0;
}

Test(task, sleep_lasts_exactly_as_long_in_virtual_time)
{
    cr_assert_eq(run_virtual(sleeps, NULL), 0);
}

static int sleeps_long(void *arg)
{
    (void)arg;
    return task_sleep(100 * NS_PER_S);
}

static int timeout_main(void *arg)
{
    (void)arg;
    struct scope outer, inner;
    scope_enter(&outer, 10 * NS_PER_S);
    scope_enter(&inner, 1 * NS_PER_S);
    cr_assert_eq(task_sleep(5 * NS_PER_S), -ETIMEDOUT);
    cr_assert_eq(task_sleep(1), -ETIMEDOUT, "level-triggered: it stays");
    cr_assert_eq(scope_leave(&inner), -ETIMEDOUT);
    cr_assert_eq(task_sleep(1), 0, "outside the scope all is well again");
    cr_assert_eq(scope_leave(&outer), 0, "not the outer one's");
    return 0;
}

Test(scope, deadline_belongs_to_the_scope_that_set_it)
{
    cr_assert_eq(run_virtual(timeout_main, NULL), 0);
}

static int outer_fires(void *arg)
{
    (void)arg;
    struct scope outer, inner;
    scope_enter(&outer, 1 * NS_PER_S);
    scope_enter(&inner, 10 * NS_PER_S);
    cr_assert_eq(task_sleep(5 * NS_PER_S), -ETIMEDOUT);
    cr_assert_eq(scope_leave(&inner), 0);
    cr_assert_eq(task_check(), -ETIMEDOUT);
    cr_assert_eq(scope_leave(&outer), -ETIMEDOUT);
    return 0;
}

Test(scope, an_outer_deadline_passes_through_inner_scopes)
{
    cr_assert_eq(run_virtual(outer_fires, NULL), 0);
}

static int cleans_up(void *arg)
{
    int64_t *done_at = arg;
    cr_assert_eq(task_sleep(100 * NS_PER_S), -ECANCELED);
    struct scope shield;
    scope_enter_shield(&shield, 5 * NS_PER_S);
    cr_assert_eq(task_sleep(2 * NS_PER_S), 0, "a shield lets cleanup await");
    *done_at = loop_now();
    cr_assert_eq(task_sleep(10 * NS_PER_S), -ETIMEDOUT, "but not for ever");
    cr_assert_eq(scope_leave(&shield), -ETIMEDOUT);
    cr_assert_eq(task_check(), -ECANCELED);
    return -ECANCELED;
}

static int cancels_child(void *arg)
{
    struct group g;
    group_open(&g);
    struct task *child = group_go(&g, "child", cleans_up, arg);
    cr_assert_neq(task_self(), child);
    task_sleep(NS_PER_S);
    task_cancel(child);
    task_cancel(child);
    cr_assert_eq(task_join(child), -ECANCELED);
    return group_wait(&g);
}

Test(scope, a_shield_protects_cleanup_for_its_grace)
{
    int64_t done_at = 0;
    cr_assert_eq(run_virtual(cancels_child, &done_at), 0, "asked for, so no failure of the group");
    cr_assert_eq(done_at, 1000 + 3 * NS_PER_S);
}

static int fails(void *arg)
{
    (void)arg;
    task_sleep(NS_PER_S);
    return -EIO;
}

static int group_of_failing(void *arg)
{
    int *sibling = arg;
    struct group g;
    group_open(&g);
    struct task *long_one = group_go(&g, "long", sleeps_long, NULL);
    group_spawn(&g, "fails", fails, NULL);
    cr_assert_eq(task_sleep(50 * NS_PER_S), -ECANCELED, "the body feels a member's failure");
    int r = group_wait(&g);
    cr_assert_eq(task_check(), 0, "and is free after it");
    *sibling = task_join(long_one);
    return r;
}

Test(group, first_failure_ends_the_siblings_and_is_the_result)
{
    int sibling = 0;
    cr_assert_eq(run_virtual(group_of_failing, &sibling), -EIO);
    cr_assert_eq(sibling, -ECANCELED);
}

static int spawn_after_cancel(void *arg)
{
    (void)arg;
    struct group g;
    group_open(&g);
    group_cancel(&g);
    cr_assert_eq(group_spawn(&g, "late", returns_seven, NULL), -ECANCELED);
    return group_wait(&g);
}

Test(group, takes_nobody_in_once_cancelled)
{
    cr_assert_eq(run_virtual(spawn_after_cancel, NULL), 0);
}

static int group_under_deadline(void *arg)
{
    int *child = arg;
    struct scope s;
    scope_enter(&s, NS_PER_S);
    struct group g;
    group_open(&g);
    struct task *t = group_go(&g, "long", sleeps_long, NULL);
    cr_assert_eq(group_wait(&g), -ETIMEDOUT);
    cr_assert_eq(scope_leave(&s), -ETIMEDOUT);
    *child = task_join(t);
    return 0;
}

Test(group, an_outside_deadline_ends_the_members_before_wait_returns)
{
    int child = 0;
    cr_assert_eq(run_virtual(group_under_deadline, &child), 0);
    cr_assert_eq(child, -ECANCELED);
}

// A task that awaits in each way there is, over and over; cancelled at its n-th suspension it must
// come out with the cause, and nothing may be left waiting (chan_free asserts that).
struct every_wait {
    struct waitq q;
    struct chan *full, *empty;
    struct event_flag flag;
    struct semaphore sem;
    struct task *never;
    int at;
    int results[8];
};

static int waits_everywhere(void *arg)
{
    struct every_wait *w = arg;
    void *item;
    switch (w->at) {
    case 0:
        return task_sleep(100);
    case 1:
        return waitq_wait(&w->q);
    case 2:
        return waitq_wait_until(&w->q, loop_now() + 1000 * NS_PER_S);
    case 3:
        return chan_send(w->full, w);
    case 4:
        return chan_recv(w->empty, &item);
    case 5:
        return event_flag_wait(&w->flag);
    case 6:
        return semaphore_get(&w->sem);
    case 7:
        return task_join(w->never);
    default:
        return task_yield();
    }
}

static int cancels_each_wait(void *arg)
{
    (void)arg;
    struct every_wait w = {.full = chan_new(1, NULL), .empty = chan_new(1, NULL)};
    cr_assert_eq(chan_try_send(w.full, &w), 0);
    struct group g;
    group_open(&g);
    w.never = group_go(&g, "never", sleeps_long, NULL);
    for (w.at = 0; w.at < 8; w.at++) {
        struct group inner;
        group_open(&inner);
        struct task *t = group_go(&inner, "waits", waits_everywhere, &w);
        task_yield();
        task_cancel(t);
        cr_expect_eq(task_join(t), -ECANCELED, "await %d", w.at);
        group_wait(&inner);
        // Cancelled before it began: the await itself must refuse.
        group_open(&inner);
        t = group_go(&inner, "late", waits_everywhere, &w);
        task_cancel(t);
        cr_expect_eq(task_join(t), -ECANCELED, "await %d, cancelled before", w.at);
        group_wait(&inner);
    }
    cr_assert_null(w.q.first);
    cr_assert_null(w.sem.q.first);
    group_cancel(&g);
    group_wait(&g);
    task_unref(w.never);
    chan_free(w.full);
    chan_free(w.empty);
    return 0;
}

Test(task, cancel_ends_every_kind_of_await)
{
    cr_assert_eq(run_virtual(cancels_each_wait, NULL), 0);
}

static int waits_on_queue(void *arg)
{
    return waitq_wait(arg);
}

static int wake_and_cancel(void *arg)
{
    (void)arg;
    struct waitq q = {0};
    struct group g;
    group_open(&g);
    struct task *a = group_go(&g, "a", waits_on_queue, &q);
    struct task *b = group_go(&g, "b", waits_on_queue, &q);
    task_yield();
    task_cancel(a);
    cr_assert(waitq_wake_one(&q), "a is on its way out: the wake-up goes to b");
    cr_assert_eq(task_join(b), 0);
    cr_assert_eq(task_join(a), -ECANCELED);
    struct task *c = group_go(&g, "c", waits_on_queue, &q);
    task_yield();
    cr_assert(waitq_wake_one(&q));
    task_cancel(c);
    cr_assert_eq(task_join(c), 0, "woken first: the wake-up counts");
    cr_assert_not(waitq_wake_one(&q));
    cr_assert_eq(waitq_wait_until(&q, loop_now() + 5), -ETIMEDOUT);
    group_wait(&g);
    return 0;
}

Test(waitq, a_wake_up_is_never_swallowed_by_a_cancel)
{
    cr_assert_eq(run_virtual(wake_and_cancel, NULL), 0);
}

static int counts_down(void *arg)
{
    int *n = arg;
    --*n;
    return 0;
}

static int many_tasks(void *arg)
{
    struct group g;
    group_open(&g);
    for (int i = 0; i < 2000; i++)
        cr_assert_eq(group_spawn(&g, "one", counts_down, arg), 0);
    return group_wait(&g);
}

Test(task, thousands_live_side_by_side)
{
    int n = 2000;
    cr_assert_eq(run_virtual(many_tasks, &n), 0);
    cr_assert_eq(n, 0);
}

struct posted {
    struct post post;
    int calls;
};

static void on_post(struct post *post)
{
    ((struct posted *)post)->calls++;
}

static bool stay_awake_twice(struct prepare *p);
struct hook {
    struct prepare prepare;
    int calls;
};

static bool stay_awake_twice(struct prepare *p)
{
    return ++((struct hook *)p)->calls <= 2;
}

static int posts_and_hooks(void *arg)
{
    (void)arg;
    struct posted a = {0}, b = {0};
    loop_post(&a.post, on_post);
    loop_post(&a.post, on_post);
    loop_post(&b.post, on_post);
    loop_unpost(&b.post);
    struct hook hook = {0};
    prepare_add(&hook.prepare, stay_awake_twice);
    task_sleep(NS_PER_S);
    cr_assert_eq(a.calls, 1);
    cr_assert_eq(b.calls, 0);
    cr_assert_geq(hook.calls, 3);
    prepare_remove(&hook.prepare);
    int calls = hook.calls;
    task_sleep(NS_PER_S);
    cr_assert_eq(hook.calls, calls);
    return 0;
}

Test(loop, posts_once_and_asks_hooks_before_it_sleeps)
{
    cr_assert_eq(run_virtual(posts_and_hooks, NULL), 0);
}

static int semaphore_main(void *arg)
{
    (void)arg;
    struct semaphore s = {.n = 2};
    struct event_flag flag = {0};
    cr_assert_eq(semaphore_get(&s), 0);
    cr_assert_eq(semaphore_get(&s), 0);
    struct scope scope;
    scope_enter(&scope, 10);
    cr_assert_eq(semaphore_get(&s), -ETIMEDOUT);
    cr_assert_eq(event_flag_wait(&flag), -ETIMEDOUT);
    scope_leave(&scope);
    semaphore_put(&s);
    cr_assert_eq(semaphore_get(&s), 0);
    event_flag_set(&flag);
    cr_assert_eq(event_flag_wait(&flag), 0);
    return 0;
}

Test(waitq, semaphores_count_and_flags_stay_set)
{
    cr_assert_eq(run_virtual(semaphore_main, NULL), 0);
}

static int two_causes(void *arg)
{
    (void)arg;
    struct scope outer, inner;
    scope_enter(&outer, CLOCK_FOREVER);
    scope_enter(&inner, NS_PER_S);
    cr_assert_eq(task_sleep(2 * NS_PER_S), -ETIMEDOUT);
    scope_cancel(&outer);
    cr_assert_eq(task_check(), -ECANCELED, "the outer one ends more");
    cr_assert_eq(scope_leave(&inner), -ETIMEDOUT);
    scope_cancel(&outer);
    cr_assert_eq(scope_leave(&outer), -ECANCELED);
    cr_assert_eq(task_check(), 0);
    return 0;
}

Test(scope, the_outermost_cause_counts)
{
    cr_assert_eq(run_virtual(two_causes, NULL), 0);
}

struct place {
    struct waitq *q;
    int *next;
    int mine;
};

static int takes_its_place(void *arg)
{
    struct place *p = arg;
    int r = waitq_wait(p->q);
    p->mine = (*p->next)++;
    return r;
}

static int first_come(void *arg)
{
    (void)arg;
    struct waitq q = {0};
    int next = 0;
    struct place places[4];
    struct group g;
    group_open(&g);
    for (int i = 0; i < 4; i++) {
        places[i] = (struct place){&q, &next, -1};
        group_spawn(&g, "place", takes_its_place, &places[i]);
    }
    task_yield();
    cr_assert(waitq_wake_one(&q));
    task_yield();
    cr_assert_eq(next, 1, "one and no more");
    waitq_wake_all(&q);
    cr_assert_eq(group_wait(&g), 0);
    for (int i = 0; i < 4; i++)
        cr_assert_eq(places[i].mine, i, "first come, first woken");
    return 0;
}

Test(waitq, wakes_in_order)
{
    cr_assert_eq(run_virtual(first_come, NULL), 0);
}
