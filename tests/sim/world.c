#include "world.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "coordinator/event_file.h"

struct sim_call {
    struct heap_node node;
    sim_fn *fn;
    uint64_t a, b;
    void *data;
};

// splitmix64: https://prng.di.unimi.it/splitmix64.c (public domain)
uint64_t rng_next(struct rng *rng)
{
    uint64_t z = (rng->state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

uint64_t rng_below(struct rng *rng, uint64_t n)
{
    return n ? rng_next(rng) % n : 0;
}

bool rng_percent(struct rng *rng, unsigned percent)
{
    return rng_below(rng, 100) < percent;
}

void sim_fail(struct world *w, const char *fmt, ...)
{
    va_list ap;
    fprintf(stderr, "seed %llu, event %llu, t=%.6f s: ", (unsigned long long)w->seed,
            (unsigned long long)w->steps, (double)w->now / 1e9);
    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fprintf(stderr, "\nreplay: --seed %llu --verbose\n", (unsigned long long)w->seed);
    exit(1);
}

void sim_log(struct world *w, const char *fmt, ...)
{
    va_list ap;
    if (!w->verbose)
        return;
    printf("%12.6f ", (double)w->now / 1e9);
    va_start(ap, fmt);
    vprintf(fmt, ap);
    va_end(ap);
    printf("\n");
}

void sim_at(struct world *w, int64_t when, sim_fn *fn, uint64_t a, uint64_t b, void *data)
{
    struct sim_call *call = calloc(1, sizeof(*call));
    if (!call)
        abort();
    call->fn = fn;
    call->a = a;
    call->b = b;
    call->data = data;
    if (heap_push(&w->events, &call->node, when) < 0)
        abort();
}

int sim_event(struct world *w, const struct event *event)
{
    event_file_add(w->record, event, w->now);
    int r = core_handle(w->core, event, w->now, &w->actions);
    core_check(w->core);
    return r;
}

static void perform(struct world *w)
{
    for (size_t i = 0; i < w->actions.len; i++) {
        const struct action *action = &w->actions.list[i];
        switch (action->type) {
        case ACT_WANT:
            shell_want(w, action);
            break;
        case ACT_DELIVER:
            shell_deliver(w, action);
            break;
        case ACT_JOB_END:
            shell_job_end(w, action);
            break;
        case ACT_DROP:
            worker_dropped(w, action->worker);
            break;
        default:
            worker_receive(w, action);
            break;
        }
    }
    actions_clear(&w->actions);
}

static bool all_over(const struct world *w)
{
    for (unsigned i = 0; i < w->n_jobs; i++)
        if (!w->jobs[i].ended)
            return false;
    return true;
}

static void flush(struct world *w)
{
    struct core_stats stats;
    size_t before = w->actions.len;
    sim_event(w, &(struct event){.type = EV_FLUSH});
    w->recalls = 0;
    for (size_t i = before; i < w->actions.len; i++)
        if (w->actions.list[i].type == ACT_RECALL)
            w->recalls += w->actions.list[i].recall.count;
    perform(w);
    workers_check(w);
    core_stats(w->core, &stats);
    if (stats.pending + stats.leased + stats.held > 20000)
        sim_fail(w, "unbounded: %llu pending, %llu leased, %llu held",
                 (unsigned long long)stats.pending, (unsigned long long)stats.leased,
                 (unsigned long long)stats.held);
}

static void run_world(struct world *w)
{
    while (!all_over(w)) {
        struct heap_node *first = heap_first(&w->events);
        int64_t tick = core_next_deadline(w->core);
        if (++w->steps > 3000000)
            sim_fail(w, "it goes on and on: a loop without progress");
        if (!first && tick == CLOCK_FOREVER)
            sim_fail(w, "nothing will ever happen again, and jobs are left");
        if (!first || tick < first->deadline) {
            w->now = tick > w->now ? tick : w->now;
            sim_event(w, &(struct event){.type = EV_TICK});
        } else {
            struct sim_call *call = (struct sim_call *)(void *)first;
            w->now = first->deadline > w->now ? first->deadline : w->now;
            heap_remove(&w->events, first);
            call->fn(w, call->a, call->b, call->data);
            free(call->data);
            free(call);
        }
        if (w->now > SIM_TIME_MAX)
            sim_fail(w, "not over long after the last fault");
        // Several events may meet in one turn of a real loop.
        first = heap_first(&w->events);
        if (first && first->deadline <= w->now && rng_percent(&w->rng, 50))
            continue;
        flush(w);
    }
}

static void run_seed(uint64_t seed, bool verbose, const char *record)
{
    struct world w = {.seed = seed, .verbose = verbose, .rng = {.state = seed * 7919 + 1}};
    struct core_options options = {.epoch = SIM_EPOCH, .window_items = 0};
    heap_init(&w.events);
    if (rng_percent(&w.rng, 80))
        options.window_items = (uint32_t)(4 + rng_below(&w.rng, 60));
    if (rng_percent(&w.rng, 30))
        options.window_bytes = 64 + rng_below(&w.rng, 4096);
    if (rng_percent(&w.rng, 30))
        options.held_bytes = 1 + rng_below(&w.rng, 4096);
    w.is_roomy = !options.window_bytes && !options.held_bytes;
    if (core_new(&options, &w.core) < 0)
        abort();
    struct err err;
    if (record && event_file_open(record, &options, &w.record, &err) < 0)
        sim_fail(&w, "%s", err.text);
    jobs_make(&w);
    workers_begin(&w);
    run_world(&w);
    jobs_check(&w);
    for (struct heap_node *node; (node = heap_first(&w.events));) {
        struct sim_call *call = (struct sim_call *)(void *)node;
        heap_remove(&w.events, node);
        free(call->data);
        free(call);
    }
    workers_free(&w);
    jobs_free(&w);
    actions_done(&w.actions);
    core_free(w.core);
    event_file_close(w.record);
    heap_done(&w.events);
}

int main(int argc, char **argv)
{
    unsigned long long first = 1, last = 300;
    bool verbose = false;
    const char *record = NULL; // the last seed's events
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--seeds") == 0 && i + 1 < argc)
            sscanf(argv[++i], "%llu..%llu", &first, &last);
        else if (strcmp(argv[i], "--seed") == 0 && i + 1 < argc &&
                 sscanf(argv[++i], "%llu", &first))
            last = first;
        else if (strcmp(argv[i], "--verbose") == 0)
            verbose = true;
        else if (strcmp(argv[i], "--record") == 0 && i + 1 < argc)
            record = argv[++i];
    }
    for (unsigned long long seed = first; seed <= last; seed++) {
        // So that a seed that aborts is known.
        if (getenv("SIM_SHOW_SEED"))
            fprintf(stderr, "at seed %llu\n", seed);
        run_seed(seed, verbose, record);
    }
    printf("seeds %llu..%llu: well\n", first, last);
    return 0;
}
