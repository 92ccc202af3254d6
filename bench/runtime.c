// What do a task switch, a generator's item and a stream's item cost? Medians of several rounds.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "async/group.h"
#include "async/operators/chan.h"
#include "async/operators/gen.h"
#include "async/operators/stream.h"
#include "base/clock.h"

#define ROUNDS 9
#define N 2000000

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void report(const char *what, double (*measure)(void))
{
    double ns[ROUNDS];
    for (int i = 0; i < ROUNDS; i++)
        ns[i] = measure();
    qsort(ns, ROUNDS, sizeof(ns[0]), by_value);
    printf("%-28s %8.1f ns  (%.1f .. %.1f)\n", what, ns[ROUNDS / 2], ns[0], ns[ROUNDS - 1]);
}

static double per_item(int64_t begin, uint64_t n)
{
    return (double)(clock_now() - begin) / (double)n;
}

static int yields(void *arg)
{
    (void)arg;
    for (int i = 0; i < N / 2; i++)
        task_yield();
    return 0;
}

static double switch_between_two(void)
{
    struct group g;
    int64_t begin = clock_now();
    group_open(&g);
    group_spawn(&g, "a", yields, NULL);
    group_spawn(&g, "b", yields, NULL);
    group_wait(&g);
    return per_item(begin, N);
}

static int yields_little(void *arg)
{
    (void)arg;
    for (int i = 0; i < N / 1000; i++)
        task_yield();
    return 0;
}

static double switch_between_thousand(void)
{
    struct group g;
    int64_t begin = clock_now();
    group_open(&g);
    for (int i = 0; i < 1000; i++)
        group_spawn(&g, "one", yields_little, NULL);
    group_wait(&g);
    return per_item(begin, N);
}

static uint64_t drain(struct stream *s)
{
    void *item;
    uint64_t n = 0;
    while (stream_next(s, &item) == 1)
        n++;
    stream_close(s);
    return n;
}

static int counts(struct gen *g, void *arg)
{
    (void)arg;
    for (uintptr_t i = 0; i < N; i++)
        if (gen_yield(g, (void *)i) < 0)
            break;
    return 0;
}

static double generator(void)
{
    int64_t begin = clock_now();
    uint64_t n = drain(gen_new(counts, NULL, NULL));
    return per_item(begin, n);
}

static double plain_stream(void)
{
    int64_t begin = clock_now();
    uint64_t n = drain(stream_range(N));
    return per_item(begin, n);
}

static int same(void *in, void **ret, void *arg)
{
    (void)arg;
    *ret = in;
    return 0;
}

static double mapped_stream(void)
{
    int64_t begin = clock_now();
    uint64_t n = drain(stream_map(stream_range(N), same, NULL, NULL));
    return per_item(begin, n);
}

static int sends(void *arg)
{
    for (uintptr_t i = 0; i < N; i++)
        chan_send(arg, (void *)i);
    chan_close(arg);
    return 0;
}

static double channel(void)
{
    struct chan *c = chan_new(64, NULL);
    if (!c)
        return -1;
    struct group g;
    int64_t begin = clock_now();
    group_open(&g);
    group_spawn(&g, "sends", sends, c);
    uint64_t n = drain(stream_from_chan(c));
    group_wait(&g);
    return per_item(begin, n);
}

static int returns(void *arg)
{
    (void)arg;
    return 0;
}

static double spawns(void)
{
    int64_t begin = clock_now();
    for (int i = 0; i < N / 100; i++) {
        struct group g;
        group_open(&g);
        for (int k = 0; k < 10; k++)
            group_spawn(&g, "one", returns, NULL);
        group_wait(&g);
    }
    return per_item(begin, N / 10);
}

static int measure_all(void *arg)
{
    (void)arg;
    report("task switch, 2 tasks", switch_between_two);
    report("task switch, 1000 tasks", switch_between_thousand);
    report("generator item", generator);
    report("pull-stream item", plain_stream);
    report("pull-stream item + map", mapped_stream);
    report("channel item, capacity 64", channel);
    report("spawn, run and reap a task", spawns);
    return 0;
}

int main(void)
{
    return loop_run(measure_all, NULL) ? 1 : 0;
}
