#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>

#include "async/group.h"
#include "async/operators/chan.h"
#include "async/operators/gen.h"
#include "async/operators/stream.h"
#include "base/clock.h"
#include "box.h"
#include "run.h"

static int counts(struct gen *g, void *arg)
{
    uintptr_t n = (uintptr_t)arg;
    for (uintptr_t i = 0; i < n; i++) {
        int r = gen_yield(g, box(i));
        if (r < 0)
            return r;
    }
    return 0;
}

static uintptr_t sum(struct stream *s, int *ret)
{
    void *item;
    uintptr_t total = 0;
    while ((*ret = stream_next(s, &item)) == 1) {
        total += *(uintptr_t *)item;
        unbox(item);
    }
    return total;
}

static int generator_main(void *arg)
{
    (void)arg;
    int r;
    struct stream *s = gen_new(counts, (void *)100, unbox);
    cr_assert_eq(sum(s, &r), 4950);
    cr_assert_eq(r, 0);
    void *item;
    cr_assert_eq(stream_next(s, &item), 0, "the end stays the end");
    stream_close(s);
    stream_close(gen_new(counts, (void *)1, unbox));
    s = gen_new(counts, (void *)100, unbox);
    cr_assert_eq(stream_next(s, &item), 1);
    unbox(item);
    stream_close(s);
    cr_assert_eq(live, 0, "closing early leaves nothing");
    return 0;
}

STREAM_TEST(gen, gives_items_ends_and_closes_early, generator_main)

static int yields_after_close(struct gen *g, void *arg)
{
    int *seen = arg;
    for (uintptr_t i = 0; i < 3; i++)
        seen[i] = gen_yield(g, box(i));
    return 0;
}

static int stubborn_main(void *arg)
{
    void *item;
    struct stream *s = gen_new(yields_after_close, arg, unbox);
    cr_assert_eq(stream_next(s, &item), 1);
    unbox(item);
    stream_close(s);
    return 0;
}

Test(gen, what_is_yielded_after_close_is_dropped)
{
    int seen[3] = {0};
    live = 0;
    cr_assert_eq(run_virtual(stubborn_main, seen), 0);
    for (int i = 0; i < 3; i++)
        cr_assert_eq(seen[i], -ECANCELED, "%d", i);
    cr_assert_eq(live, 0);
}

static int sleepy(struct gen *g, void *arg)
{
    (void)arg;
    for (uintptr_t i = 0;; i++) {
        int r = task_sleep(NS_PER_S);
        if (r < 0)
            return r;
        r = gen_yield(g, box(i));
        if (r < 0)
            return r;
    }
}

static int awaiting_main(void *arg)
{
    (void)arg;
    struct stream *s = gen_new(sleepy, NULL, unbox);
    struct scope scope;
    scope_enter(&scope, 3 * NS_PER_S + 1);
    int r;
    cr_assert_eq(sum(s, &r), 0 + 1 + 2);
    cr_assert_eq(r, -ETIMEDOUT, "the consumer's deadline is the generator's");
    cr_assert_eq(scope_leave(&scope), -ETIMEDOUT);
    void *item;
    cr_assert_eq(stream_next(s, &item), -ECANCELED, "it has ended: no use to ask again");
    stream_close(s);
    return 0;
}

STREAM_TEST(gen, awaits_in_its_consumers_task, awaiting_main)

static int awaiting_beside(void *arg)
{
    int *turns = arg;
    for (int i = 0; i < 5; i++) {
        ++*turns;
        task_sleep(NS_PER_S / 2);
    }
    return 0;
}

static int generator_beside_task(void *arg)
{
    struct group g;
    group_open(&g);
    group_spawn(&g, "beside", awaiting_beside, arg);
    struct stream *s = stream_take(gen_new(sleepy, NULL, unbox), 2);
    int r;
    cr_assert_eq(sum(s, &r), 1);
    stream_close(s);
    return group_wait(&g);
}

Test(gen, others_run_while_it_awaits)
{
    int turns = 0;
    live = 0;
    cr_assert_eq(run_virtual(generator_beside_task, &turns), 0);
    cr_assert_eq(turns, 5);
    cr_assert_eq(live, 0);
}

static int twice(void *in, void **ret, void *arg)
{
    (void)arg;
    *(uintptr_t *)in *= 2;
    *ret = in;
    return 0;
}

static int breaks_at_six(void *in, void **ret, void *arg)
{
    (void)arg;
    if (*(uintptr_t *)in == 6) {
        unbox(in);
        return -EIO;
    }
    *ret = in;
    return 0;
}

static int is_even(const void *item, void *arg)
{
    (void)arg;
    return *(const uintptr_t *)item % 2 == 0;
}

static int operators_main(void *arg)
{
    (void)arg;
    int r;
    struct stream *s = gen_new(counts, (void *)1000, unbox);
    s = stream_take(stream_filter(s, is_even, NULL), 4);
    s = stream_map(s, twice, NULL, unbox);
    cr_assert_eq(sum(s, &r), 2 * (0 + 2 + 4 + 6));
    cr_assert_eq(r, 0);
    stream_close(s);
    cr_assert_eq(live, 0);
    s = stream_map(gen_new(counts, (void *)1000, unbox), breaks_at_six, NULL, unbox);
    cr_assert_eq(sum(s, &r), 15);
    cr_assert_eq(r, -EIO);
    void *item;
    cr_assert_eq(stream_next(s, &item), -EIO);
    stream_close(s);
    s = stream_range(3);
    uintptr_t n = 0;
    while (stream_next(s, &item) == 1)
        n += 1 + (uintptr_t)item;
    cr_assert_eq(n, 6);
    stream_close(s);
    stream_close(NULL);
    cr_assert_null(stream_map(NULL, twice, NULL, NULL));
    cr_assert_null(stream_filter(NULL, is_even, NULL));
    cr_assert_null(stream_take(NULL, 1));
    return 0;
}

STREAM_TEST(stream, operators_chain_and_close_what_they_own, operators_main)

static int produces(void *arg)
{
    struct chan *c = arg;
    for (uintptr_t i = 0; i < 100; i++) {
        void *b = box(i);
        int r = chan_send(c, b);
        if (r < 0) {
            unbox(b);
            return r;
        }
        cr_assert_leq(chan_len(c), 4);
    }
    chan_close(c);
    return 0;
}

static int channel_main(void *arg)
{
    (void)arg;
    struct chan *c = chan_new(4, unbox);
    struct group g;
    group_open(&g);
    group_spawn(&g, "produces", produces, c);
    struct stream *s = stream_from_chan(c);
    int r;
    cr_assert_eq(sum(s, &r), 4950);
    cr_assert_eq(r, 0);
    cr_assert_eq(group_wait(&g), 0);
    void *item;
    cr_assert_eq(chan_try_recv(c, &item), 0);
    cr_assert_eq(chan_send(c, NULL), -EPIPE);
    stream_close(s);

    c = chan_new(2, unbox);
    cr_assert_eq(chan_try_recv(c, &item), -EAGAIN);
    cr_assert_eq(chan_recv_until(c, &item, loop_now() + NS_PER_S), -ETIMEDOUT);
    cr_assert_eq(chan_try_send(c, box(1)), 0);
    cr_assert_eq(chan_try_send(c, box(2)), 0);
    cr_assert_eq(chan_try_send(c, NULL), -EAGAIN);
    chan_free(c);
    return 0;
}

STREAM_TEST(chan, is_bounded_ends_and_drops_what_is_left, channel_main)

static int sends_one(void *arg)
{
    return chan_send(arg, NULL);
}

static int receives_one(void *arg)
{
    void *item;
    return chan_recv(arg, &item);
}

static int close_wakes(void *arg)
{
    (void)arg;
    struct chan *c = chan_new(1, NULL);
    struct group g;
    group_open(&g);
    struct task *r = group_go(&g, "receiver", receives_one, c);
    task_yield();
    chan_close(c);
    cr_assert_eq(task_join(r), 0);
    cr_assert_eq(group_wait(&g), 0);
    chan_free(c);
    c = chan_new(1, NULL);
    cr_assert_eq(chan_try_send(c, NULL), 0);
    group_open(&g);
    struct task *s = group_go(&g, "sender", sends_one, c);
    task_yield();
    chan_close(c);
    cr_assert_eq(task_join(s), -EPIPE);
    group_wait(&g);
    chan_free(c);
    return 0;
}

Test(chan, close_wakes_both_sides)
{
    cr_assert_eq(run_virtual(close_wakes, NULL), 0);
}
