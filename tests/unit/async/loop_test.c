#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <unistd.h>

#include "async/group.h"
#include "async/io.h"
#include "async/thread.h"
#include "async/waitq.h"
#include "base/clock.h"
#include "run.h"
#include "tests/support/descriptors.h"

static int sleeps_a_second(void *arg)
{
    (void)arg;
    return task_sleep(NS_PER_S);
}

static int too_many_main(void *arg)
{
    (void)arg;
    struct group g;
    group_open(&g);
    cr_assert_eq(group_spawn(&g, "one", sleeps_a_second, NULL), 0);
    cr_assert_eq(group_spawn(&g, "two", sleeps_a_second, NULL), -ENOMEM);
    cr_assert_null(group_go(&g, "two", sleeps_a_second, NULL));
    cr_assert_eq(group_wait(&g), 0);
    return group_gather((task_fn *const[]){sleeps_a_second}, NULL, 1, &(int){0});
}

Test(loop, holds_no_more_tasks_than_allowed)
{
    struct loop_options options = {.max_tasks = 2};
    cr_assert_eq(run_virtual_opts(options, too_many_main, NULL), 0);
    options.max_tasks = 1;
    cr_assert_eq(run_virtual_opts(options, sleeps_a_second, NULL), 0);
}

struct told {
    int64_t now;
    char text[64];
};

static int64_t told_clock(void *arg)
{
    return ((struct told *)arg)->now;
}

static void told_idle(void *arg, int64_t deadline)
{
    ((struct told *)arg)->now = deadline;
}

static void told_slow(void *arg, const char *task, int64_t ns)
{
    struct told *told = arg;
    size_t len = strlen(told->text);
    snprintf(told->text + len, sizeof(told->text) - len, "%s %d ", task, (int)ns);
}

static int hogs(void *arg)
{
    ((struct told *)arg)->now += 50;
    task_yield();
    ((struct told *)arg)->now += 5;
    return task_sleep(1000);
}

static int slow_main(void *arg)
{
    struct group g;
    group_open(&g);
    group_spawn(&g, "hog", hogs, arg);
    group_spawn(&g, "other", sleeps_a_second, NULL);
    return group_wait(&g);
}

Test(loop, tells_who_kept_it_for_long)
{
    struct told told = {.now = 1};
    struct loop_options options = {
        .slow_ns = 10, .slow = told_slow, .clock = told_clock, .idle = told_idle, .arg = &told};
    cr_assert_eq(loop_run_opts(&options, slow_main, &told), 0);
    cr_assert_str_eq(told.text, "hog 50 ");
}

static int dumps_main(void *arg)
{
    struct group g;
    group_open(&g);
    struct task *sleeper = group_go(&g, "sleeper", sleeps_a_second, NULL);
    cr_assert_str_eq(task_name(sleeper), "sleeper");
    task_yield();
    struct task *ready = group_go(&g, "fresh", sleeps_a_second, NULL);
    task_cancel(ready);
    struct scope scope;
    scope_enter(&scope, 0);
    while (task_check() == 0)
        task_yield();
    loop_dump(arg);
    scope_leave(&scope);
    task_unref(sleeper);
    cr_assert_eq(task_join(ready), -ECANCELED);
    cr_assert_eq(group_wait(&g), 0);
    return 0;
}

Test(loop, dumps_what_lives)
{
    char text[200] = "";
    FILE *out = fmemopen(text, sizeof(text), "w");
    cr_assert_eq(run_virtual(dumps_main, out), 0);
    fclose(out);
    cr_assert(strstr(text, "task main: running, timed out\n"), "%s", text);
    cr_assert(strstr(text, "task sleeper: waiting\n"), "%s", text);
    cr_assert_not(strstr(text, "fresh"), "it saw its cancel and ended");
}

static int block_main(void *arg)
{
    int *stage = arg;
    int64_t begin = loop_now();
    SCOPE_TIMEOUT (s, NS_PER_S) {
        cr_assert_eq(task_sleep(2 * NS_PER_S), -ETIMEDOUT);
        cr_assert_eq(s.fired, -ETIMEDOUT);
        ++*stage;
    }
    cr_assert_eq(loop_now() - begin, NS_PER_S);
    SCOPE_TIMEOUT (s, NS_PER_S) {
        if (*stage == 1)
            break;
        ++*stage;
    }
    cr_assert_eq(*stage, 1);
    SCOPE_TIMEOUT (s, CLOCK_FOREVER)
        return task_check(); // main_task asserts that no scope is left
    return -1;
}

Test(scope, a_block_may_be_left_in_any_way)
{
    int stage = 0;
    cr_assert_eq(run_virtual(block_main, &stage), 0);
}

struct hook {
    struct prepare prepare;
    struct hook *victim;
    int calls;
};

static bool on_hook(struct prepare *prepare)
{
    struct hook *h = (struct hook *)prepare;
    h->calls++;
    if (h->victim) {
        prepare_remove(&h->victim->prepare);
        // Whoever walks on over the removed one finds this.
        h->victim->prepare.entry.le_next = (struct prepare *)(uintptr_t)8;
    }
    return false;
}

static int hooks_main(void *arg)
{
    (void)arg;
    struct hook last = {0}, victim = {0}, first = {.victim = &victim};
    prepare_add(&last.prepare, on_hook); // asked last: the newest comes first
    prepare_add(&victim.prepare, on_hook);
    prepare_add(&first.prepare, on_hook);
    task_sleep(NS_PER_S);
    first.victim = NULL;
    task_sleep(NS_PER_S);
    cr_assert_eq(victim.calls, 0);
    cr_assert_eq(first.calls, last.calls);
    prepare_remove(&first.prepare);
    prepare_remove(&last.prepare);
    prepare_remove(&last.prepare);
    first.victim = &first; // itself
    prepare_add(&first.prepare, on_hook);
    task_sleep(NS_PER_S);
    prepare_remove(&(struct prepare){0});
    return 0;
}

Test(loop, a_hook_may_remove_another)
{
    cr_assert_eq(run_virtual(hooks_main, NULL), 0);
}

struct counted {
    struct timer timer;
    struct post post;
    struct post *victim;
    int calls;
};

static void again_at_once(struct timer *timer)
{
    struct counted *c = (struct counted *)timer;
    c->calls++;
    timer_set(timer, 0, again_at_once);
}

static void counts_timer(struct timer *timer)
{
    ((struct counted *)timer)->calls++;
}

static int timers_main(void *arg)
{
    (void)arg;
    struct counted eager = {0}, patient = {0}, cancelled = {0};
    task_sleep(NS_PER_S);
    timer_set(&eager.timer, 0, again_at_once);
    timer_set(&patient.timer, loop_now(), counts_timer);
    timer_set(&cancelled.timer, loop_now(), counts_timer);
    timer_set(&cancelled.timer, CLOCK_FOREVER, counts_timer);
    cr_assert_eq(task_sleep_until(loop_now()), 0, "others are not starved");
    cr_assert_eq(patient.calls, 1);
    cr_assert_eq(eager.calls, 1, "once in a turn");
    timer_cancel(&eager.timer);
    timer_cancel(&eager.timer);
    int64_t before = loop_now();
    cr_assert_eq(task_sleep_until(5), 0);
    cr_assert_eq(loop_now(), before, "time doesn't run back");
    cr_assert_eq(cancelled.calls, 0);
    return 0;
}

Test(loop, a_timer_for_the_past_starves_nobody)
{
    cr_assert_eq(run_virtual(timers_main, NULL), 0);
}

struct dated {
    struct post post;
    int64_t at;
};

static void posts_itself(struct post *post)
{
    struct counted *c = (struct counted *)((char *)post - offsetof(struct counted, post));
    if (c->victim)
        loop_unpost(c->victim);
    if (++c->calls < 1000)
        loop_post(post, posts_itself);
}

static void on_dated(struct post *post)
{
    struct dated *d = (struct dated *)post;
    d->at = loop_now();
}

static int posts_main(void *arg)
{
    (void)arg;
    struct dated dated = {0};
    loop_post(&dated.post, on_dated);
    int64_t before = loop_now();
    task_sleep(NS_PER_S);
    cr_assert_eq(dated.at, before, "a loop with a post doesn't sleep");
    struct counted eager = {0}, middle = {0}, last = {0};
    eager.victim = &last.post;
    loop_post(&eager.post, posts_itself);
    loop_post(&middle.post, posts_itself);
    loop_post(&last.post, posts_itself);
    task_yield(); // the main task runs at the end of the turn that made the posts
    task_sleep_until(0);
    cr_assert_leq(eager.calls, 3, "once in a turn, though the last of the turn was taken out");
    cr_assert_eq(last.calls, 0);
    loop_unpost(&middle.post);
    loop_post(&last.post, posts_itself); // the list is whole
    loop_unpost(&eager.post);
    last.calls = 1000;
    task_sleep(1);
    cr_assert_eq(last.calls, 1001);
    loop_unpost(&last.post);
    return 0;
}

Test(loop, a_post_that_posts_itself_waits_for_the_next_turn)
{
    cr_assert_eq(run_virtual(posts_main, NULL), 0);
}

struct level {
    struct watch watch;
    int calls;
};

static void on_level(struct watch *watch, uint32_t events)
{
    struct level *l = (struct level *)watch;
    cr_assert(events & EPOLLOUT);
    // Level-triggered: it comes again until we say that we have enough.
    if (++l->calls == 2)
        cr_assert_eq(watch_modify(watch, 0), 0);
}

static int levels_main(void *arg)
{
    (void)arg;
    int fds[2];
    cr_assert_eq(pipe(fds), 0);
    struct level l = {0};
    cr_assert_eq(watch_add(&l.watch, fds[1], 0, on_level), 0);
    cr_assert_eq(watch_add(&(struct watch){0}, fds[1], EPOLLOUT, on_level), -EEXIST);
    cr_assert_eq(io_wait(fds[1], EPOLLOUT), -EEXIST);
    task_sleep(2 * NS_PER_MS);
    cr_assert_eq(l.calls, 0);
    cr_assert_eq(watch_modify(&l.watch, EPOLLOUT), 0);
    task_sleep(5 * NS_PER_MS);
    cr_assert_eq(l.calls, 2);
    watch_remove(&l.watch);
    watch_remove(&l.watch);
    watch_remove(&(struct watch){0});
    cr_assert_eq(watch_add(&l.watch, -1, EPOLLIN, on_level), -EBADF);
    close(fds[0]);
    close(fds[1]);
    return 0;
}

Test(loop, watches_levels)
{
    cr_assert_eq(run_real(levels_main, NULL), 0);
}

static int fork_main(void *arg)
{
    int before = *(int *)arg, status;
    pid_t pid = fork_child();
    if (pid == 0)
        _exit(0);
    cr_assert_eq(child_wait(pid, &status), 0);
    pid = fork_child();
    if (pid == 0) {
        loop_after_fork_child();
        loop_after_fork_child();
        _exit(count_descriptors() == before ? 3 : 4);
    }
    cr_assert_eq(child_wait(pid, &status), 0);
    return WEXITSTATUS(status);
}

Test(loop, leaves_no_descriptor_in_a_child_and_the_mask_as_it_was)
{
    int before = count_descriptors();
    struct loop_options options = {.without_pidfd = true};
    alarm(limit_s());
    cr_assert_eq(loop_run_opts(&options, fork_main, &before), 3);
    sigset_t now;
    sigprocmask(SIG_BLOCK, NULL, &now);
    cr_assert_not(sigismember(&now, SIGCHLD));
    cr_assert_eq(count_descriptors(), before);
}

struct calls {
    struct loop *loop;
    struct event_flag done;
    int in_order;
};

static void in_the_loop(void *arg)
{
    struct calls *c = arg;
    cr_assert_eq(loop_current(), c->loop);
    if (++c->in_order == 1000)
        event_flag_set(&c->done);
}

static void *calls_in(void *arg)
{
    struct calls *c = arg;
    for (int i = 0; i < 500; i++)
        cr_assert_eq(loop_call(c->loop, in_the_loop, c), 0);
    return NULL;
}

static int called_main(void *arg)
{
    (void)arg;
    struct calls c = {.loop = loop_current()};
    pthread_t threads[2];
    for (int i = 0; i < 2; i++)
        cr_assert_eq(pthread_create(&threads[i], NULL, calls_in, &c), 0);
    cr_assert_eq(event_flag_wait(&c.done), 0);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    cr_assert_eq(c.in_order, 1000);
    return loop_call(c.loop, in_the_loop, &c); // too late: freed, not called
}

Test(thread, others_call_into_the_loop)
{
    cr_assert_eq(run_real(called_main, NULL), 0);
}

struct blocked {
    int fds[2];
    int released_fd;
    pthread_t thread;
    bool masked;
};

static int blocks(void *arg)
{
    struct blocked *b = arg;
    sigset_t mask;
    pthread_sigmask(SIG_BLOCK, NULL, &mask);
    b->thread = pthread_self();
    b->masked = sigismember(&mask, SIGTERM);
    char byte;
    return read(b->fds[0], &byte, 1) == 1 ? byte : -EIO;
}

static void release(void *arg)
{
    struct blocked *b = arg;
    if (write(b->released_fd, "r", 1) != 1)
        abort();
}

static int run_main(void *arg)
{
    (void)arg;
    struct blocked b;
    int released[2];
    char byte;
    cr_assert_eq(pipe(b.fds), 0);
    cr_assert_eq(pipe(released), 0);
    b.released_fd = released[1];
    cr_assert_eq(write(b.fds[1], "x", 1), 1);
    cr_assert_eq(thread_run(blocks, &b, release), 'x');
    cr_assert_neq(b.thread, pthread_self());
    cr_assert(b.masked);
    struct scope scope;
    scope_enter(&scope, NS_PER_MS);
    cr_assert_eq(thread_run(blocks, &b, release), -ETIMEDOUT);
    scope_leave(&scope);
    cr_assert_eq(write(b.fds[1], "y", 1), 1);
    cr_assert_eq(io_read(released[0], &byte, 1), 1, "the thread gave its argument back");
    scope_enter(&scope, CLOCK_FOREVER);
    scope_cancel(&scope);
    cr_assert_eq(thread_run(blocks, &b, release), -ECANCELED, "it doesn't begin");
    scope_leave(&scope);
    cr_assert_eq(io_read(released[0], &byte, 1), 1);
    for (int i = 0; i < 2; i++) {
        close(b.fds[i]);
        close(released[i]);
    }
    return 0;
}

Test(thread, blocking_calls_run_beside_the_loop)
{
    cr_assert_eq(run_real(run_main, NULL), 0);
}
