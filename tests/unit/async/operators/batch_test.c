// Batches and zip.
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

static void expect_batches(struct stream *s, const char *what, int end)
{
    char got[128] = "";
    size_t len = 0;
    void *item;
    int r;
    while ((r = stream_next(s, &item)) == 1) {
        struct batch *b = item;
        for (size_t i = 0; i < b->n; i++)
            len += (size_t)snprintf(got + len, sizeof(got) - len, i ? ",%d" : "%d",
                                    (int)unboxed(batch_take(b, i)));
        len += (size_t)snprintf(got + len, sizeof(got) - len, " ");
        s->drop(b);
    }
    cr_expect_str_eq(got, what);
    cr_expect_eq(r, end, "%d is not %d", r, end);
    cr_expect_eq(stream_next(s, &item), end);
    stream_close(s);
}

static int batch_main(void *arg)
{
    (void)arg;
    struct ticks a = {1, 1, 5, NS_PER_S, 0, 0};
    expect_batches(stream_batch(tick(&a), 2, CLOCK_FOREVER), "1,2 3,4 5 ", 0);
    a.result = -EIO;
    expect_batches(stream_batch(tick(&a), 2, CLOCK_FOREVER), "1,2 3,4 5 ", -EIO);
    // At 1 2 3 4 5 s: the first waits until 3.5.
    expect_batches(stream_batch(tick(&a), 10, 5 * NS_PER_S / 2), "1,2,3 4,5 ", -EIO);
    a.result = 0;
    expect_batches(stream_batch(tick(&a), 3, 100 * NS_PER_S), "1,2,3 4,5 ", 0);
    expect_batches(stream_batch(tick(&a), 3, 0), "1 2 3 4 5 ", 0);

    // What a cancelled next had gathered comes with the next one.
    for (int timed = 0; timed < 2; timed++) {
        struct stream *s = stream_batch(tick(&a), 4, timed ? 100 * NS_PER_S : CLOCK_FOREVER);
        void *item;
        struct scope scope;
        scope_enter(&scope, 5 * NS_PER_S / 2);
        cr_assert_eq(stream_next(s, &item), -ETIMEDOUT);
        scope_leave(&scope);
        if (timed)
            expect_batches(s, "1,2,3,4 5 ", 0);
        else
            expect_batches(s, "1,2 ", -ECANCELED); // it reached the generator, which ended
    }
    struct stream *s = stream_batch(tick(&a), 2, CLOCK_FOREVER);
    void *item;
    cr_assert_eq(stream_next(s, &item), 1);
    batch_free(item); // nothing taken
    stream_close(s);
    batch_free(NULL);
    cr_assert_null(stream_batch(NULL, 1, 1));
    return 0;
}

STREAM_TEST(operators, batches_by_count_and_time, batch_main)

static int zip_main(void *arg)
{
    (void)arg;
    struct ticks a = {1, 1, 3, NS_PER_S, 0, 0}, b = {11, 1, 2, 2 * NS_PER_S, 0, 0};
    struct stream *ins[] = {tick(&a), tick(&b)};
    expect_batches(stream_zip(ins, 2, false), "1,11 2,12 ", 0);
    cr_assert_eq(live, 0, "the third of the longer one was dropped");
    cr_assert_eq(a.closed + b.closed, 2);
    b.result = -EIO;
    ins[0] = tick(&a);
    ins[1] = tick(&b);
    expect_batches(stream_zip(ins, 2, false), "1,11 2,12 ", -EIO);
    // Cancelled between the two inputs of a pair.
    a = (struct ticks){1, 1, 2, 0, 0, 0};
    b = (struct ticks){11, 1, 2, 2 * NS_PER_S, 0, 0};
    struct stream *slow[] = {tick(&b)};
    ins[0] = tick(&a);
    ins[1] = stream_merge(slow, 1, 1);
    struct stream *s = stream_zip(ins, 2, false);
    void *item;
    struct scope scope;
    scope_enter(&scope, NS_PER_S);
    cr_assert_eq(stream_next(s, &item), -ETIMEDOUT);
    scope_leave(&scope);
    expect_batches(s, "1,11 2,12 ", 0);
    // Strict: whichever is longer, and an end that is waited for in pieces.
    a = (struct ticks){1, 1, 2, 0, 0, 0};
    b = (struct ticks){11, 1, 3, 2 * NS_PER_S, 0, 0};
    ins[0] = tick(&a);
    slow[0] = tick(&b);
    ins[1] = stream_merge(slow, 1, 1);
    s = stream_timeout(stream_zip(ins, 2, true), NS_PER_S);
    int late = 0, r;
    while ((r = stream_next(s, &item)) == 1 || r == -ETIMEDOUT) {
        late += r == -ETIMEDOUT;
        if (r == 1)
            s->drop(item);
    }
    cr_assert_eq(r, -EILSEQ);
    cr_assert_geq(late, 3);
    stream_close(s);
    ins[0] = tick(&b);
    ins[1] = tick(&a);
    expect_batches(stream_zip(ins, 2, true), "11,1 12,2 ", -EILSEQ);
    b.n = 2;
    ins[0] = tick(&b);
    ins[1] = tick(&a);
    expect_batches(stream_zip(ins, 2, true), "11,1 12,2 ", 0);
    ins[0] = NULL;
    ins[1] = tick(&a);
    cr_assert_null(stream_zip(ins, 2, false));
    return 0;
}

STREAM_TEST(operators, zip_ends_with_the_shortest, zip_main)
