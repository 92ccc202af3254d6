// A loop in virtual time: nothing sleeps, deadlines come at once and exactly.
#pragma once
#include "async/loop.h"

struct virtual_clock {
    int64_t now;
};

static int64_t virtual_now(void *arg)
{
    return ((struct virtual_clock *)arg)->now;
}

static void virtual_idle(void *arg, int64_t deadline)
{
    ((struct virtual_clock *)arg)->now = deadline;
}

static inline int run_virtual(task_fn *fn, void *arg)
{
    struct virtual_clock clock = {.now = 1000};
    return loop_run_opts(
        &(struct loop_options){.clock = virtual_now, .idle = virtual_idle, .arg = &clock}, fn, arg);
}
