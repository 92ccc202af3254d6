#include <criterion/criterion.h>
#include <errno.h>

#include "async/group.h"
#include "async/operators/batch.h"
#include "async/operators/gen.h"
#include "async/operators/stream.h"
#include "base/clock.h"
#include "box.h"
#include "run.h"
#include "ticks.h"

static int timeout_main(void *arg)
{
    (void)arg;
    struct ticks quick = {1, 1, 3, NS_PER_S, 0, 0}, slow = {1, 1, 3, 3 * NS_PER_S, 0, 0};
    struct stream *s = stream_timeout(tick(&quick), 2 * NS_PER_S);
    expect_items(s, "1 2 3 ", 0);
    stream_close(s);
    s = stream_timeout(tick(&slow), 2 * NS_PER_S);
    expect_items(s, "", -ETIMEDOUT);
    cr_assert_eq(task_check(), 0, "the deadline was the stream's own");
    stream_close(s);
    // What is only late comes when it is asked for again.
    struct stream *ins[] = {tick(&slow)};
    s = stream_timeout(stream_merge(ins, 1, 1), 2 * NS_PER_S);
    void *item;
    for (uintptr_t i = 1; i <= 3; i++) {
        cr_assert_eq(stream_next(s, &item), -ETIMEDOUT);
        cr_assert_eq(stream_next(s, &item), 1);
        cr_assert_eq(unboxed(item), i);
    }
    cr_assert_eq(stream_next(s, &item), 0);
    stream_close(s);
    cr_assert_null(stream_timeout(NULL, 1));
    return 0;
}

// The same as a slow stream that is only late: asking again gives what comes.
static struct stream *late(struct ticks *t)
{
    struct stream *in = tick(t);
    return stream_timeout(stream_merge(&in, 1, 1), NS_PER_S);
}

static int passes(void *in, void **ret, void *arg)
{
    (void)arg;
    *ret = in;
    return 0;
}

static int late_main(void *arg)
{
    (void)arg;
    struct ticks slow = {1, 1, 3, 3 * NS_PER_S, 0, 0};
    struct stream *in = late(&slow);
    struct stream *s = stream_merge(&in, 1, 1);
    expect_items(s, "1 2 3 ", 0);
    stream_close(s);
    s = stream_pmap(late(&slow), 2, true, passes, NULL, unbox);
    expect_items(s, "1 2 3 ", 0);
    stream_close(s);
    return 0;
}

STREAM_TEST(operators, with_tasks_of_their_own_wait_for_a_late_input, late_main)

static struct stream *outer;

static int asks_the_outer(void *in, void **ret, void *arg)
{
    (void)arg;
    unbox(in);
    return stream_next(outer, ret);
}

static int busy_main(void *arg)
{
    (void)arg;
    struct ticks a = {1, 1, 3, 0, 0, 0};
    void *item;
    outer = stream_map(tick(&a), asks_the_outer, NULL, unbox);
    cr_assert_eq(stream_next(outer, &item), -EBUSY);
    cr_assert_eq(stream_next(outer, &item), -EBUSY, "and it stays");
    stream_close(outer);
    return 0;
}

STREAM_TEST(operators, have_one_consumer_at_a_time, busy_main)

STREAM_TEST(operators, an_item_may_be_awaited_for_a_time, timeout_main)

static int take_main(void *arg)
{
    (void)arg;
    struct ticks a = {1, 1, 100, 0, 0, 0};
    struct stream *s = stream_take(tick(&a), 2);
    void *item;
    for (int i = 0; i < 2; i++) {
        cr_assert_eq(stream_next(s, &item), 1);
        unbox(item);
    }
    cr_assert_eq(a.closed, 1, "with the last item, not later");
    cr_assert_eq(stream_next(s, &item), 0);
    stream_close(s);
    return 0;
}

Test(operators, take_lets_go_of_its_input_at_once)
{
    cr_assert_eq(run_virtual(take_main, NULL), 0);
}

static int merge_main(void *arg)
{
    (void)arg;
    struct ticks a = {1, 1, 3, 2 * NS_PER_S, 0, 0}, b = {11, 1, 3, 3 * NS_PER_S, 0, 0};
    struct stream *ins[] = {tick(&a), tick(&b)};
    struct stream *s = stream_merge(ins, 2, 1);
    expect_items(s, "1 11 2 12 3 13 ", 0);
    stream_close(s);

    // An error comes after what came before it, and ends the other input too.
    a = (struct ticks){1, 1, 2, NS_PER_S, -EIO, 0};
    b = (struct ticks){11, 1, 100, 100 * NS_PER_S, 0, 0};
    ins[0] = tick(&a);
    ins[1] = tick(&b);
    s = stream_merge(ins, 2, 4);
    expect_items(s, "1 2 ", -EIO);
    task_yield();
    cr_assert_eq(b.closed, 1, "before the stream is closed");
    stream_close(s);

    // Bounded: nobody takes, so the inputs stop.
    a = (struct ticks){1, 1, 100, 0, 0, 0};
    ins[0] = tick(&a);
    s = stream_merge(ins, 1, 2);
    void *item;
    cr_assert_eq(stream_next(s, &item), 1);
    cr_assert_eq(unboxed(item), 1);
    task_sleep(NS_PER_S);
    cr_assert_leq(live, 3);
    stream_close(s);
    cr_assert_eq(a.closed, 1);

    s = stream_merge(ins, 0, 1);
    expect_items(s, "", 0);
    stream_close(s);
    ins[0] = NULL;
    a.closed = 0;
    ins[1] = tick(&a);
    cr_assert_null(stream_merge(ins, 2, 1));
    stream_close(stream_merge((struct stream *[]){tick(&a)}, 1, 1)); // never asked
    return 0;
}

STREAM_TEST(operators, merge_gives_what_comes_from_any_input, merge_main)

static int cancelled_next_main(void *arg)
{
    (void)arg;
    struct ticks a = {1, 1, 3, 2 * NS_PER_S, 0, 0};
    struct stream *ins[] = {tick(&a)};
    struct stream *s = stream_merge(ins, 1, 1);
    void *item;
    struct scope scope;
    scope_enter(&scope, NS_PER_S);
    cr_assert_eq(stream_next(s, &item), -ETIMEDOUT);
    cr_assert_eq(scope_leave(&scope), -ETIMEDOUT);
    expect_items(s, "1 2 3 ", 0);
    stream_close(s);
    return 0;
}

STREAM_TEST(operators, a_next_that_timed_out_lost_nothing, cancelled_next_main)

struct mapping {
    int running, most;
    unsigned begun;
};

// Even ones take a second, odd ones two; 7 fails, 9 is for ever.
static int works(void *in, void **ret, void *arg)
{
    struct mapping *m = arg;
    uintptr_t n = *(uintptr_t *)in;
    m->begun++;
    if (++m->running > m->most)
        m->most = m->running;
    int r = task_sleep(n == 9 ? 1000 * NS_PER_S : (1 + (int64_t)(n % 2)) * NS_PER_S);
    m->running--;
    if (r == 0 && n == 7)
        r = -EIO;
    if (r < 0)
        unbox(in);
    *ret = in;
    return r;
}

static int pmap_main(void *arg)
{
    (void)arg;
    struct ticks a = {1, 1, 6, 0, 0, 0};
    struct mapping m = {0};
    int64_t begin = loop_now();
    struct stream *s = stream_pmap(tick(&a), 2, true, works, &m, unbox);
    expect_items(s, "1 2 3 4 5 6 ", 0);
    cr_assert_eq(m.most, 2);
    cr_assert_eq(loop_now() - begin, 5 * NS_PER_S, "nine seconds of work, by two");
    stream_close(s);

    m = (struct mapping){0};
    s = stream_pmap(tick(&a), 2, false, works, &m, unbox);
    expect_items(s, "2 1 3 4 6 5 ", 0);
    stream_close(s);

    // Errors: of fn, and of the input after all items before it.
    a.n = 100;
    s = stream_pmap(tick(&a), 3, true, works, &m, unbox);
    expect_items(s, "1 2 3 4 5 6 ", -EIO);
    stream_close(s);
    s = stream_pmap(tick(&a), 1, false, works, &m, unbox);
    expect_items(s, "1 2 3 4 5 6 ", -EIO);
    stream_close(s);
    a.n = 4;
    a.result = -ENXIO;
    s = stream_pmap(tick(&a), 8, false, works, &m, unbox);
    expect_items(s, "2 4 1 3 ", -ENXIO);
    stream_close(s);

    // Bounded, and closed while calls are in progress.
    a = (struct ticks){2, 2, 100, 0, 0, 0};
    m = (struct mapping){0};
    s = stream_pmap(tick(&a), 2, true, works, &m, unbox);
    void *item;
    cr_assert_eq(stream_next(s, &item), 1);
    unbox(item);
    task_sleep(100 * NS_PER_S);
    cr_assert_eq(m.begun, 5, "one given, four in flight");
    stream_close(s);
    a = (struct ticks){6, 1, 100, 0, 0, 0};
    m = (struct mapping){0};
    s = stream_pmap(tick(&a), 2, true, works, &m, unbox);
    cr_assert_eq(stream_next(s, &item), 1);
    unbox(item);
    task_sleep(100 * NS_PER_S);
    cr_assert_eq(m.begun, 3, "after the failure of 7 only what ran beside it");
    stream_close(s);
    a = (struct ticks){9, 2, 100, 0, 0, 0};
    m = (struct mapping){0};
    s = stream_pmap(tick(&a), 2, false, works, &m, unbox);
    cr_assert_eq(stream_next(s, &item), 1, "11 is quicker than 9");
    cr_assert_eq(unboxed(item), 11);
    stream_close(s);
    cr_assert_eq(m.running, 0, "close waited for the calls it cancelled");
    cr_assert_null(stream_pmap(NULL, 1, true, works, NULL, NULL));
    stream_close(stream_pmap(tick(&a), 1, true, works, NULL, unbox));
    return 0;
}

STREAM_TEST(operators, pmap_works_on_several_within_its_bound, pmap_main)

struct racer {
    int64_t ns;
    int result;
    int ended_with;
};

static int races(void *arg)
{
    struct racer *racer = arg;
    int r = task_sleep(racer->ns);
    racer->ended_with = r < 0 ? r : racer->result;
    return racer->ended_with;
}

static int completed_main(void *arg)
{
    (void)arg;
    struct racer racers[] = {{3, 30, 0}, {1, 10, 0}, {2, -EIO, 0}};
    task_fn *fns[] = {races, races, races};
    void *args[] = {&racers[0], &racers[1], &racers[2]};
    struct stream *s = stream_completed(fns, args, 3);
    const struct completion expected[] = {{1, 10}, {2, -EIO}, {0, 30}};
    void *item;
    for (int i = 0; i < 3; i++) {
        cr_assert_eq(stream_next(s, &item), 1);
        const struct completion *got = item;
        cr_expect_eq(got->index, expected[i].index);
        cr_expect_eq(got->result, expected[i].result);
    }
    cr_assert_eq(stream_next(s, &item), 0);
    stream_close(s);

    s = stream_completed(fns, args, 3);
    cr_assert_eq(stream_next(s, &item), 1);
    stream_close(s);
    cr_assert_eq(racers[1].ended_with, 10, "the winner");
    cr_assert_eq(racers[0].ended_with, -ECANCELED, "lost the race");
    stream_close(stream_completed(fns, args, 3));
    return 0;
}

Test(operators, completed_gives_outcomes_as_they_come)
{
    cr_assert_eq(run_virtual(completed_main, NULL), 0);
}

static int no_room_main(void *arg)
{
    (void)arg;
    struct racer racers[3] = {{100, 1, 7}, {100, 1, 7}, {100, 1, 7}};
    task_fn *fns[] = {races, races, races};
    void *args[] = {&racers[0], &racers[1], &racers[2]}, *item;
    struct stream *s = stream_completed(fns, args, 3);
    cr_assert_eq(stream_next(s, &item), -ENOMEM);
    stream_close(s);
    cr_assert_eq(racers[0].ended_with, -ECANCELED, "begun, and ended with the others");

    struct ticks a = {1, 1, 3, 0, 0, 0};
    struct stream *ins[] = {tick(&a), tick(&a), tick(&a)};
    s = stream_merge(ins, 3, 1);
    cr_assert_eq(stream_next(s, &item), -ENOMEM);
    stream_close(s);

    s = stream_pmap(tick(&a), 8, true, works, &(struct mapping){0}, unbox);
    expect_items(s, "1 2 3 ", 0); // by fewer than eight

    int results[3];
    racers[2].ended_with = 7;
    cr_assert_eq(group_gather(fns, args, 3, results), -ENOMEM);
    cr_assert_eq(results[2], -ECANCELED);
    cr_assert_eq(racers[2].ended_with, 7, "never began");
    stream_close(s);
    return 0;
}

Test(operators, say_so_when_there_is_no_room_for_their_tasks)
{
    live = 0;
    cr_assert_eq(run_virtual_opts((struct loop_options){.max_tasks = 3}, no_room_main, NULL), 0);
    cr_assert_eq(live, 0);
}

static int gather_main(void *arg)
{
    (void)arg;
    struct racer racers[] = {{3, 30, 0}, {1, 10, 0}, {2, 20, 0}};
    task_fn *fns[] = {races, races, races};
    void *args[] = {&racers[0], &racers[1], &racers[2]};
    int results[3];
    cr_assert_eq(group_gather(fns, args, 3, results), 0);
    cr_assert_eq(results[0] + results[1] + results[2], 60);
    racers[2].result = -EIO;
    cr_assert_eq(group_gather(fns, args, 3, results), -EIO);
    cr_assert_eq(results[0], -ECANCELED, "the first error cancels the rest");
    cr_assert_eq(results[1], 10);
    cr_assert_eq(results[2], -EIO);
    cr_assert_eq(group_gather(fns, NULL, 0, results), 0);
    return 0;
}

Test(group, gathers_the_results_of_several)
{
    cr_assert_eq(run_virtual(gather_main, NULL), 0);
}
