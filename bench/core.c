// What does the core alone cost for a chunk? 16-byte payloads and results, one worker, in order:
// submit, feed, lease, result, delivery. No sockets, no processes. Medians of several rounds.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "coordinator/core/core.h"

#define ROUNDS 7
#define CHUNKS 500000u
#define BYTES 16u
#define EPOCH 7
#define WINDOW 16384

struct shell {
    struct core *core;
    struct actions actions;
    uint64_t fed;
    uint64_t delivered;
    uint64_t seq;
    bool ended;
};

static void hand_in(struct shell *s, const struct event *event)
{
    if (core_handle(s->core, event, 0, &s->actions) < 0)
        abort();
}

static void feed(struct shell *s, uint64_t wanted)
{
    uint64_t n = CHUNKS - s->fed < wanted ? CHUNKS - s->fed : wanted;
    if (n == 0) {
        hand_in(s, &(struct event){.type = EV_FED_END, .job = 1});
        return;
    }
    struct slab *slab = slab_new(n * BYTES);
    uint32_t *lens = malloc(n * sizeof(*lens));
    if (!slab || !lens)
        abort();
    memset(slab->data, 'x', n * BYTES);
    for (uint64_t i = 0; i < n; i++)
        lens[i] = BYTES;
    struct run run = {.kind = RUN_BYTES,
                      .count = n,
                      .item_first = s->fed,
                      .items_per_chunk = 1,
                      .item_end = s->fed + n,
                      .body = {slab, slab->data, n * BYTES},
                      .lens = lens};
    s->fed += n;
    hand_in(s, &(struct event){.type = EV_FED, .job = 1, .run = &run});
}

static void answer(struct shell *s, const struct lease *lease)
{
    static const uint8_t bytes[BYTES];
    for (uint32_t i = 0; i < lease->count; i++) {
        struct result result = {.job = 1,
                                .attempt = lease->attempt,
                                .chunk = lease->first + i,
                                .ending.run_ns = 100,
                                .n_items = 1,
                                .body = bytes,
                                .body_len = BYTES};
        struct event event = {.type = EV_RESULT, .worker = 1};
        event.result.result = &result;
        event.result.epoch = EPOCH;
        event.result.seq = ++s->seq;
        event.result.body = (struct slice){.data = bytes, .len = BYTES};
        hand_in(s, &event);
    }
}

// Carries out what came of a flush; what that brings about comes with the next one.
static void turn(struct shell *s)
{
    hand_in(s, &(struct event){.type = EV_FLUSH});
    struct actions now = s->actions;
    s->actions = (struct actions){0};
    for (size_t i = 0; i < now.len; i++) {
        const struct action *action = &now.list[i];
        if (action->type == ACT_LEASE)
            answer(s, &action->lease.lease);
        else if (action->type == ACT_WANT)
            feed(s, action->want.chunks);
        else if (action->type == ACT_DELIVER)
            s->delivered++;
        else if (action->type == ACT_JOB_END)
            s->ended = true;
    }
    actions_clear(&now);
    actions_done(&now);
}

static double measure(void)
{
    struct shell s = {0};
    char name[] = "bench";
    struct stage stage = {.kind = STAGE_KERNEL, .function = name};
    struct step step = {.stages = &stage, .n_stages = 1, .chunking = {CHUNK_ITEMS, 1}, .cpus = 1};
    const struct plan plan = {
        .name = name, .steps = &step, .n_steps = 1, .max_failures = UINT64_MAX, .crash_limit = 5};
    struct msg_register reg = {.slots = 2};
    struct event credit = {.type = EV_WORKER_CREDIT, .worker = 1};
    struct event stream = {.type = EV_STREAM_CREDIT, .job = 1};
    credit.credit = (struct msg_credit){WINDOW, 64 << 20};
    stream.stream_credit.items = stream.stream_credit.bytes = UINT64_C(1) << 40;
    if (core_new(&(struct core_options){.epoch = EPOCH}, &s.core) < 0)
        abort();
    int64_t begin = clock_now();
    hand_in(&s, &(struct event){.type = EV_SUBMIT, .job = 1, .plan = &plan});
    hand_in(&s, &(struct event){.type = EV_WORKER_UP, .worker = 1, .reg = &reg});
    hand_in(&s, &credit);
    hand_in(&s, &stream);
    while (!s.ended)
        turn(&s);
    double ns = (double)(clock_now() - begin) / CHUNKS;
    if (s.delivered != CHUNKS)
        abort();
    actions_done(&s.actions);
    core_free(s.core);
    return ns;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

int main(void)
{
    double ns[ROUNDS];
    for (int i = 0; i < ROUNDS; i++)
        ns[i] = measure();
    qsort(ns, ROUNDS, sizeof(ns[0]), by_value);
    printf("core, a chunk of %u bytes     %8.0f ns  (%.0f .. %.0f)\n", BYTES, ns[ROUNDS / 2], ns[0],
           ns[ROUNDS - 1]);
    return 0;
}
