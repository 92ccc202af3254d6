// Items that are counted: what is left of them at the end was lost.
#pragma once
#include <stdint.h>
#include <stdlib.h>

static int live; // boxes not yet freed

static inline void *box(uintptr_t n)
{
    uintptr_t *b = malloc(sizeof(*b));
    if (!b)
        abort();
    *b = n;
    live++;
    return b;
}

static inline void unbox(void *b)
{
    live--;
    free(b);
}

static inline uintptr_t unboxed(void *b)
{
    uintptr_t n = *(uintptr_t *)b;
    unbox(b);
    return n;
}

// A test: the task runs to its end in virtual time, and no item is lost on the way. With run.h.
#define STREAM_TEST(suite, name, main)                                                             \
    Test(suite, name)                                                                              \
    {                                                                                              \
        live = 0;                                                                                  \
        cr_assert_eq(run_virtual(main, NULL), 0);                                                  \
        cr_assert_eq(live, 0);                                                                     \
    }
