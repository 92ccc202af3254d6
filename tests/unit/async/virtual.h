// A loop in virtual time: nothing sleeps, deadlines come at once and exactly. Where nothing but the
// end of time is left to wait for, somebody was never woken: the test fails at once.
#pragma once
#include <stdio.h>
#include <stdlib.h>

#include "async/loop.h"
#include "base/clock.h"

#define VIRTUAL_END (1000000 * NS_PER_S)

struct virtual_run {
    int64_t now;
    struct timer end;
    task_fn *fn;
    void *arg;
};

static int64_t virtual_now(void *arg)
{
    return ((struct virtual_run *)arg)->now;
}

static void virtual_idle(void *arg, int64_t deadline)
{
    ((struct virtual_run *)arg)->now = deadline;
}

static inline void virtual_hangs(struct timer *timer)
{
    (void)timer;
    fprintf(stderr, "nobody will ever wake:\n");
    loop_dump(stderr);
    abort();
}

static inline int virtual_main(void *arg)
{
    struct virtual_run *run = arg;
    timer_set(&run->end, VIRTUAL_END, virtual_hangs);
    return run->fn(run->arg);
}

static inline int run_virtual_opts(struct loop_options options, task_fn *fn, void *arg)
{
    struct virtual_run run = {.now = 1000, .fn = fn, .arg = arg};
    options.clock = virtual_now;
    options.idle = virtual_idle;
    options.arg = &run;
    return loop_run_opts(&options, virtual_main, &run);
}

static inline int run_virtual(task_fn *fn, void *arg)
{
    return run_virtual_opts((struct loop_options){0}, fn, arg);
}
