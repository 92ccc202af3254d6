// Loops for tests. In virtual time nothing sleeps, deadlines come at once and exactly; where
// nothing but the end of time is left to wait for, somebody was never woken, and the test fails at
// once.
#pragma once
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "async/loop.h"
#include "base/clock.h"

#define VIRTUAL_END (1000000 * NS_PER_S)

// A loop that hangs or runs in circles is ended by SIGALRM. Mutants are given less time.
static inline unsigned limit_s(void)
{
    const char *text = getenv("FM_LIMIT_S");
    return text ? (unsigned)atoi(text) : 60;
}

// A child that goes when the test is ended by force.
static inline pid_t fork_child(void)
{
    pid_t pid = fork();
    if (pid == 0)
        prctl(PR_SET_PDEATHSIG, SIGKILL);
    return pid;
}

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
    alarm(limit_s());
    int r = loop_run_opts(&options, virtual_main, &run);
    alarm(0);
    return r;
}

static inline int run_virtual(task_fn *fn, void *arg)
{
    return run_virtual_opts((struct loop_options){0}, fn, arg);
}

static inline int run_real(task_fn *fn, void *arg)
{
    alarm(limit_s());
    int r = loop_run(fn, arg);
    alarm(0);
    return r;
}
