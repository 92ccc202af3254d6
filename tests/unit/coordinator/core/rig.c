#include "rig.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

void rig_open(struct rig *rig, uint64_t total, const struct core_options *options)
{
    struct core_options own = options ? *options : (struct core_options){0};
    own.epoch = RIG_EPOCH;
    *rig = (struct rig){.total = total, .now = 1000};
    cr_assert_eq(core_new(&own, &rig->core), 0);
    rig->stages[0] = (struct stage){.kind = STAGE_KERNEL, .function = strdup("identity")};
    rig->stages[1] = rig->stages[2] = rig->stages[0];
    for (int i = 0; i < 3; i++)
        rig->steps[i] = (struct step){.stages = &rig->stages[i],
                                      .n_stages = 1,
                                      .chunking = {CHUNK_ITEMS, 1},
                                      .cpus = 1,
                                      .retry = {.backoff = 1}};
    rig->plan = (struct plan){.name = strdup("rig"),
                              .directory = strdup("/"),
                              .source = {.kind = SOURCE_RANGE, .range = {0, 1, total}},
                              .steps = rig->steps,
                              .n_steps = 1,
                              .order = ORDER_INPUT,
                              .on_error = ON_ERROR_CONTINUE,
                              .max_failures = UINT64_MAX,
                              .crash_limit = 5};
}

void rig_close(struct rig *rig)
{
    core_free(rig->core);
    actions_done(&rig->actions);
    for (size_t i = 0; i < rig->n_records; i++)
        delivery_done(&rig->records[i]);
    free(rig->records);
    free(rig->leases);
    free(rig->stages[0].function);
    free(rig->plan.name);
    free(rig->plan.directory);
}

static void add_leases(struct rig *rig, const struct action *action)
{
    const struct lease *lease = &action->lease.lease;
    rig->n_lease_actions++;
    for (uint32_t i = 0; i < lease->count; i++) {
        rig->leases = reallocarray(rig->leases, rig->n_leases + 1, sizeof(*rig->leases));
        rig->leases[rig->n_leases++] = (struct rig_lease){.job = action->job,
                                                          .worker = action->worker,
                                                          .step = lease->step,
                                                          .attempt = lease->attempt,
                                                          .chunk = lease->first + i};
    }
}

static void feed(struct rig *rig, uint64_t wanted);

static void take_actions(struct rig *rig)
{
    struct actions now = rig->actions;
    uint64_t wanted = 0;
    rig->actions = (struct actions){0};
    for (size_t i = 0; i < now.len; i++) {
        struct action *action = &now.list[i];
        switch (action->type) {
        case ACT_FETCH:
            rig->n_fetches++;
            rig->fetch_chunk = action->fetch.chunk;
            break;
        case ACT_LEASE:
            add_leases(rig, action);
            break;
        case ACT_DELIVER:
            rig->records = reallocarray(rig->records, rig->n_records + 1, sizeof(*rig->records));
            rig->records[rig->n_records++] = action->delivery;
            action->delivery = (struct delivery){0};
            break;
        case ACT_WANT:
            wanted = action->job == RIG_JOB ? action->want.chunks : wanted;
            break;
        case ACT_ACK:
            rig->acked[action->worker] = action->seq;
            break;
        case ACT_CANCEL:
            rig->n_cancels++;
            rig->cancel_mode = action->mode;
            break;
        case ACT_RECALL:
            for (uint32_t k = 0; k < action->recall.count; k++)
                rig->recalls[rig->n_recalls++ % RIG_RECALLS] =
                    (struct rig_recall){action->worker, action->job, action->recall.first + k};
            break;
        case ACT_STEP:
            rig->n_steps_sent++;
            break;
        case ACT_FORGET:
            rig->n_forgets++;
            break;
        case ACT_ASIDE:
            rig->n_asides++;
            rig->aside_worker = action->worker;
            rig->aside_ns = action->aside->wait_ns;
            break;
        case ACT_DISCARD:
            rig->n_discarded += action->discard.count;
            break;
        case ACT_DROP:
            rig->n_drops++;
            break;
        case ACT_JOB_END:
            if (action->job != RIG_JOB)
                break;
            rig->ended = true;
            rig->summary = *action->summary;
            break;
        }
    }
    actions_clear(&now);
    actions_done(&now);
    if (wanted && !rig->holds_back && !rig->ended)
        feed(rig, wanted);
}

static int hand_in(struct rig *rig, const struct event *event)
{
    int r = core_handle(rig->core, event, rig->now, &rig->actions);
    core_check(rig->core);
    take_actions(rig);
    return r;
}

static void feed(struct rig *rig, uint64_t wanted)
{
    uint64_t left = rig->total - rig->fed;
    uint64_t n = left < wanted ? left : wanted;
    if (n) {
        struct run run = {.kind = RUN_RANGE,
                          .count = n,
                          .item_first = rig->fed,
                          .items_per_chunk = 1,
                          .item_end = rig->fed + n};
        rig->fed += n;
        if (rig->fed - rig->n_records > rig->most_in_memory)
            rig->most_in_memory = rig->fed - rig->n_records;
        cr_assert_eq(hand_in(rig, &(struct event){.type = EV_FED, .job = RIG_JOB, .run = &run}), 0);
    }
    if (rig->fed == rig->total && !rig->fed_end) {
        rig->fed_end = true;
        cr_assert_eq(hand_in(rig, &(struct event){.type = EV_FED_END, .job = RIG_JOB}), 0);
    }
}

void rig_event(struct rig *rig, struct event event, int code)
{
    cr_assert_eq(hand_in(rig, &event), code);
    for (int quiet = 0; quiet < 2;) {
        size_t before = rig->n_leases + rig->n_records + rig->fed + rig->fed_end;
        cr_assert_eq(hand_in(rig, &(struct event){.type = EV_FLUSH}), 0);
        bool moved = before != rig->n_leases + rig->n_records + rig->fed + rig->fed_end;
        quiet = moved ? 0 : quiet + 1;
    }
}

void rig_submit(struct rig *rig)
{
    rig_event(rig, (struct event){.type = EV_SUBMIT, .job = RIG_JOB, .plan = &rig->plan}, 0);
}

void rig_credit(struct rig *rig, uint64_t id, uint32_t window)
{
    struct event event = {.type = EV_WORKER_CREDIT, .worker = id};
    event.credit = (struct msg_credit){window, 1 << 20};
    rig_event(rig, event, 0);
}

void rig_worker(struct rig *rig, uint64_t id, uint32_t slots, uint32_t window)
{
    struct msg_register reg = {.name = "w", .host = "h", .slots = slots};
    rig_event(rig, (struct event){.type = EV_WORKER_UP, .worker = id, .reg = &reg}, 0);
    rig_credit(rig, id, window);
}

void rig_stream(struct rig *rig, uint64_t items)
{
    struct event event = {.type = EV_STREAM_CREDIT, .job = RIG_JOB};
    event.stream_credit.items = items;
    event.stream_credit.bytes = UINT64_MAX / 2;
    rig_event(rig, event, 0);
}

void rig_begin(struct rig *rig, uint32_t slots, uint32_t window, uint64_t items)
{
    rig_worker(rig, 1, slots, window);
    rig_submit(rig);
    rig_stream(rig, items);
}

void rig_feed_extent(struct rig *rig, const char *extent)
{
    struct run run = {.kind = RUN_EXTENT, .count = 1, .lens = malloc(sizeof(*run.lens))};
    cr_assert_not_null(run.lens);
    run.lens[0] = (uint32_t)strlen(extent);
    cr_assert_eq(slice_copy(extent, run.lens[0], &run.body), 0);
    rig_event(rig, (struct event){.type = EV_FED, .job = RIG_JOB, .run = &run}, 0);
}

void rig_tick(struct rig *rig, int64_t now)
{
    rig->now = now;
    rig_event(rig, (struct event){.type = EV_TICK}, 0);
}

void rig_down(struct rig *rig, uint64_t id)
{
    for (size_t i = 0; i < rig->n_leases; i++)
        if (rig->leases[i].worker == id)
            rig->leases[i].over = true;
    rig_event(rig, (struct event){.type = EV_WORKER_DOWN, .worker = id, .reason = "test"}, 0);
}

void rig_cancel(struct rig *rig, enum cancel_mode mode)
{
    rig_event(rig, (struct event){.type = EV_CANCEL, .job = RIG_JOB, .cancel = mode}, 0);
}

void rig_answer_text(struct rig *rig, size_t at, enum outcome outcome, int code, const char *text)
{
    cr_assert_neq(at, SIZE_MAX, "no such lease");
    struct rig_lease *lease = &rig->leases[at];
    struct result result = {.job = lease->job,
                            .step = lease->step,
                            .attempt = lease->attempt,
                            .chunk = lease->chunk,
                            .ending.outcome = outcome,
                            .ending.code = code,
                            .ending.run_ns = 1000,
                            .n_items = 1,
                            .body = (const uint8_t *)text,
                            .body_len = strlen(text)};
    if (outcome != OUTCOME_OK) {
        result.error = "because";
        result.error_len = 7;
    }
    struct event event = {.type = EV_RESULT, .worker = lease->worker};
    event.result.result = &result;
    event.result.epoch = RIG_EPOCH;
    event.result.seq = ++rig->seq[lease->worker];
    event.result.body = (struct slice){.data = result.body, .len = result.body_len};
    lease->over = true;
    rig_event(rig, event, 0);
}

void rig_part(struct rig *rig, size_t at, const char *text)
{
    const struct rig_lease *lease = &rig->leases[at];
    struct result result = {.job = lease->job,
                            .step = lease->step,
                            .attempt = lease->attempt,
                            .chunk = lease->chunk,
                            .more = true,
                            .n_items = 1,
                            .body = (const uint8_t *)text,
                            .body_len = strlen(text)};
    struct event event = {.type = EV_RESULT, .worker = lease->worker};
    event.result.result = &result;
    event.result.epoch = RIG_EPOCH;
    event.result.seq = ++rig->seq[lease->worker];
    event.result.body = (struct slice){.data = result.body, .len = result.body_len};
    rig_event(rig, event, 0);
}

void rig_answer(struct rig *rig, size_t at, enum outcome outcome, int code)
{
    char text[32];
    cr_assert_neq(at, SIZE_MAX, "no such lease");
    snprintf(text, sizeof(text), "%" PRIu64 "\n", rig->leases[at].chunk);
    rig_answer_text(rig, at, outcome, code, outcome == OUTCOME_OK ? text : "");
}

void rig_return(struct rig *rig, size_t at)
{
    struct rig_lease *lease = &rig->leases[at];
    struct event event = {.type = EV_RETURN, .job = lease->job, .worker = lease->worker};
    event.back = (struct msg_return){.job = lease->job,
                                     .step = lease->step,
                                     .attempt = lease->attempt,
                                     .first = lease->chunk,
                                     .count = 1};
    lease->over = true;
    rig_event(rig, event, 0);
}

size_t rig_find(const struct rig *rig, uint32_t step, uint64_t chunk)
{
    for (size_t i = 0; i < rig->n_leases; i++)
        if (!rig->leases[i].over && rig->leases[i].step == step && rig->leases[i].chunk == chunk)
            return i;
    return SIZE_MAX;
}

size_t rig_any(const struct rig *rig)
{
    for (size_t i = 0; i < rig->n_leases; i++)
        if (!rig->leases[i].over)
            return i;
    return SIZE_MAX;
}

size_t rig_open_leases(const struct rig *rig, uint64_t worker)
{
    size_t n = 0;
    for (size_t i = 0; i < rig->n_leases; i++)
        n += !rig->leases[i].over && rig->leases[i].worker == worker;
    return n;
}

void rig_run(struct rig *rig)
{
    size_t at;
    while (!rig->ended && (at = rig_any(rig)) != SIZE_MAX)
        rig_answer(rig, at, OUTCOME_OK, 0);
}

const char *rig_text(const struct rig *rig, size_t at)
{
    static char text[4096];
    size_t len = 0;
    cr_assert_lt(at, rig->n_records, "record %zu of %zu", at, rig->n_records);
    const struct delivery *record = &rig->records[at];
    for (size_t i = 0; i < record->n_parts; i++) {
        cr_assert_lt(len + record->parts[i].len, sizeof(text));
        memcpy(text + len, record->parts[i].data, record->parts[i].len);
        len += record->parts[i].len;
    }
    text[len] = '\0';
    return text;
}

struct said {
    char *text;
    size_t size;
};

static void add_reason(void *arg, uint32_t step, const char *text)
{
    struct said *said = arg;
    (void)step;
    size_t len = strlen(said->text);
    snprintf(said->text + len, said->size - len, "%s\n", text);
}

void rig_explain(const struct rig *rig, char *ret, size_t size)
{
    struct said said = {ret, size};
    ret[0] = '\0';
    cr_assert_eq(core_explain(rig->core, RIG_JOB, add_reason, &said), 0);
}
