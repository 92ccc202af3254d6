// A stream that gives boxes at even times, and what to expect of one. After box.h and run.h.
#pragma once
#include <criterion/criterion.h>

#include "async/operators/gen.h"
#include "async/operators/stream.h"
#include "async/task.h"

// first, first + step, ...: n boxes, `every_ns` apart; then the result.
struct ticks {
    uintptr_t first, step, n;
    int64_t every_ns;
    int result;
    int closed;
};

static inline int ticking(struct gen *g, void *arg)
{
    struct ticks *t = arg;
    int r = 0;
    for (uintptr_t i = 0; r == 0 && i < t->n; i++) {
        if (t->every_ns)
            r = task_sleep(t->every_ns);
        if (r == 0)
            r = gen_yield(g, box(t->first + i * t->step));
    }
    t->closed++;
    return r < 0 ? r : t->result;
}

static inline struct stream *tick(struct ticks *t)
{
    return gen_new(ticking, t, unbox);
}

static inline void expect_items(struct stream *s, const char *what, int end)
{
    char got[128] = "";
    size_t len = 0;
    void *item;
    int r;
    while ((r = stream_next(s, &item)) == 1)
        len += (size_t)snprintf(got + len, sizeof(got) - len, "%d ", (int)unboxed(item));
    cr_expect_str_eq(got, what);
    cr_expect_eq(r, end, "%d is not %d", r, end);
    // The end stays the end; but -ETIMEDOUT was the consumer's, and is not what a generator that it
    // ended goes on to say.
    cr_expect_eq(stream_next(s, &item), end == -ETIMEDOUT ? -ECANCELED : end);
}
