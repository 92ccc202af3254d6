#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <unistd.h>

#include "async/group.h"
#include "async/io.h"
#include "async/operators/chan.h"
#include "async/visit.h"
#include "base/clock.h"
#include "run.h"

static struct loop *new_loop(void)
{
    struct loop *loop = NULL;
    alarm(limit_s());
    cr_assert_eq(loop_new(&(struct loop_options){0}, &loop), 0);
    return loop;
}

static int64_t on_the_stack(void)
{
    volatile char here = 0;
    return (int64_t)(intptr_t)&here;
}

// Ten numbers through a channel of one, from a task that outlives the visit that began it.
static int sends_ten(void *arg)
{
    int r = 0;
    for (uintptr_t i = 1; i <= 10 && r == 0; i++)
        r = chan_send(arg, (void *)i);
    chan_close(arg);
    return r;
}

Test(visit, tasks_go_on_in_the_next_one)
{
    struct loop *loop = new_loop();
    struct chan *c = chan_new(1, NULL);
    struct visit visit;
    struct group g = {0};
    void *item;
    visit_begin(&visit, loop);
    cr_assert_eq(loop_current(), loop);
    cr_assert_eq(group_spawn(&g, "sends", sends_ten, c), 0);
    visit_end(&visit);
    cr_assert_null(loop_current());
    for (uintptr_t i = 1; i <= 10; i++) {
        visit_begin(&visit, loop);
        cr_assert_eq(chan_recv(c, &item), 1);
        cr_assert_eq((uintptr_t)item, i);
        cr_assert_lt(llabs(on_the_stack() - (int64_t)(intptr_t)&visit), 65536, "on our own stack");
        visit_end(&visit);
    }
    visit_begin(&visit, loop);
    cr_assert_eq(chan_recv(c, &item), 0);
    cr_assert_eq(task_sleep(1), 0);
    cr_assert(LIST_EMPTY(&g.members));
    visit_end(&visit);
    chan_free(c);
    loop_free(loop);
}

Test(visit, need_never_be_made)
{
    loop_free(new_loop());
    cr_assert_null(loop_free(NULL));
}

// Two loops, one inside of the other's visitor, and the first again inside of the second.
Test(visit, nests)
{
    struct loop *one = new_loop(), *two = new_loop();
    struct visit outer, middle, inner, same;
    visit_begin(&outer, one);
    struct task *self = task_self();
    visit_begin(&same, one);
    cr_assert_eq(task_self(), self);
    cr_assert_eq(task_sleep(1), 0);
    visit_end(&same);
    visit_begin(&middle, two);
    cr_assert_eq(loop_current(), two);
    cr_assert_neq(task_self(), self);
    visit_begin(&inner, one);
    cr_assert_eq(task_self(), self, "the visitor goes on, further up its stack");
    cr_assert_eq(task_sleep(1), 0);
    visit_end(&inner);
    cr_assert_eq(loop_current(), two);
    cr_assert_eq(task_sleep(1), 0);
    visit_end(&middle);
    cr_assert_eq(task_sleep(1), 0);
    visit_end(&outer);
    cr_assert_null(loop_current());
    loop_free(one);
    loop_free(two);
}

struct relay {
    struct chan *from, *to;
};

static int relays(void *arg)
{
    struct relay *relay = arg;
    void *item;
    int r;
    while ((r = chan_recv(relay->from, &item)) == 1 && (r = chan_send(relay->to, item)) == 0)
        ;
    return r;
}

static int reads_to_chan(void *arg)
{
    struct relay *relay = arg;
    char byte;
    ssize_t n;
    while ((n = io_read((int)(intptr_t)relay->from, &byte, 1)) == 1)
        chan_send(relay->to, (void *)(intptr_t)byte);
    return n < 0 ? (int)n : 0;
}

static bool is_readable(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    return poll(&p, 1, 0) == 1;
}

// A byte in a pipe goes through two tasks to the visitor, who does not wait for it.
Test(visit, who_does_not_wait_still_sees_all_that_came)
{
    struct loop *loop = new_loop();
    struct chan *first = chan_new(1, NULL), *second = chan_new(1, NULL);
    struct visit visit;
    struct scope scope;
    struct group g = {0};
    void *item;
    int fds[2];
    cr_assert_eq(pipe2(fds, O_CLOEXEC), 0);
    struct relay reads = {(struct chan *)(intptr_t)fds[0], first}, passes = {first, second};
    visit_begin(&visit, loop);
    group_spawn(&g, "reads", reads_to_chan, &reads);
    group_spawn(&g, "relays", relays, &passes);
    int fd = visit_fd(loop);
    cr_assert_geq(fd, 0);
    cr_assert_eq(visit_fd(loop), fd);
    visit_end(&visit);
    cr_assert(is_readable(fd), "tasks are ready");
    for (int i = 0; i < 3; i++) {
        visit_begin(&visit, loop);
        scope_enter_idle(&scope, 0);
        cr_assert_eq(chan_recv(second, &item), -ETIMEDOUT);
        cr_assert_eq(scope_leave(&scope), -ETIMEDOUT);
        visit_end(&visit);
        cr_assert_not(is_readable(fd));
        cr_assert_eq(write(fds[1], "x", 1), 1);
        cr_assert(is_readable(fd));
        visit_begin(&visit, loop);
        scope_enter_idle(&scope, 0);
        cr_assert_eq(chan_recv(second, &item), 1);
        cr_assert_eq((intptr_t)item, 'x');
        cr_assert_eq(scope_leave(&scope), 0);
        visit_end(&visit);
    }
    // Even a visitor who never waits sees what came, some time.
    cr_assert_eq(write(fds[1], "y", 1), 1);
    poll(NULL, 0, 2); // as its own work would take
    int r = -EAGAIN;
    for (int i = 0; i < 3 && r == -EAGAIN; i++) {
        visit_begin(&visit, loop);
        r = chan_try_recv(second, &item);
        visit_end(&visit);
    }
    cr_assert_eq(r, 1);
    visit_begin(&visit, loop);
    group_cancel(&g);
    cr_assert_eq(task_sleep(1), 0);
    visit_end(&visit);
    close(fds[0]);
    close(fds[1]);
    chan_free(first);
    chan_free(second);
    loop_free(loop);
}

static int fired;
static void on_fire(struct timer *timer)
{
    (void)timer;
    fired++;
}

Test(visit, descriptor_knows_the_time)
{
    struct loop *loop = new_loop();
    struct visit visit;
    struct timer timer = {0};
    visit_begin(&visit, loop);
    int fd = visit_fd(loop);
    timer_set(&timer, clock_now() + 20 * NS_PER_MS, on_fire);
    visit_end(&visit);
    cr_assert_not(is_readable(fd));
    struct pollfd p = {.fd = fd, .events = POLLIN};
    cr_assert_eq(poll(&p, 1, 20000), 1);
    visit_begin(&visit, loop);
    cr_assert_eq(visit_turn(), 0);
    cr_assert_eq(fired, 1);
    visit_end(&visit);
    cr_assert_not(is_readable(fd));
    // Moved, and taken back.
    visit_begin(&visit, loop);
    timer_set(&timer, clock_now() - 1, on_fire);
    visit_end(&visit);
    cr_assert(is_readable(fd));
    visit_begin(&visit, loop);
    timer_cancel(&timer);
    visit_end(&visit);
    cr_assert_not(is_readable(fd));
    loop_free(loop);
}

static int spins(void *arg)
{
    while (!*(bool *)arg)
        task_yield();
    return 0;
}

// A loop that always has something to do does not keep a deadline from its right.
Test(visit, busy_loop_is_waited_for_within_bounds)
{
    struct loop *loop = new_loop();
    struct visit visit;
    struct scope scope;
    struct group g = {0};
    struct waitq q = {0};
    bool enough = false;
    visit_begin(&visit, loop);
    group_spawn(&g, "spins", spins, &enough);
    scope_enter_idle(&scope, loop_now());
    cr_assert_eq(waitq_wait(&q), -ETIMEDOUT);
    scope_leave(&scope);
    enough = true;
    cr_assert_eq(task_sleep(1), 0);
    visit_end(&visit);
    loop_free(loop);
}

static void *visits(void *arg)
{
    struct visit visit;
    visit_begin(&visit, arg);
    cr_assert_eq(task_sleep(NS_PER_MS), 0);
    visit_end(&visit);
    return NULL;
}

Test(visit, may_be_another_thread_s)
{
    struct loop *loop = new_loop();
    visits(loop);
    for (int i = 0; i < 3; i++) {
        pthread_t thread;
        cr_assert_eq(pthread_create(&thread, NULL, visits, loop), 0);
        pthread_join(thread, NULL);
    }
    visits(loop);
    loop_free(loop);
}
