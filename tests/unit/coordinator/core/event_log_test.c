// Every kind of event comes out of a log as it went in, and nothing that a log should not hold.
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "coordinator/core/event_log.h"

struct tape {
    struct buf bytes;
    struct event_log_writer writer;
    struct event_log_reader reader;
    int64_t now;
    struct err err;
};

static void begin(struct tape *t)
{
    *t = (struct tape){.now = 5};
    buf_init(&t->bytes, EVENT_LOG_ENTRY_MAX);
    event_log_writer_init(&t->writer);
    cr_assert_eq(event_log_begin(&t->bytes, &(struct core_options){.epoch = 9, .held_bytes = 77}),
                 0);
}

static void put(struct tape *t, struct event event)
{
    cr_assert_eq(event_log_add(&t->writer, &event, t->now++, &t->bytes), 0);
}

static void rewind_it(struct tape *t)
{
    struct core_options options;
    cr_assert_eq(event_log_open(&t->reader, t->bytes.data, t->bytes.len, &options, &t->err), 0);
    cr_expect_eq(options.epoch, 9u);
    cr_expect_eq(options.held_bytes, 77u);
    t->now = 5;
}

static struct event get(struct tape *t, enum event_type type)
{
    struct event event;
    int64_t now;
    cr_assert_eq(event_log_next(&t->reader, &event, &now, &t->err), 1, "%s", t->err.text);
    cr_assert_eq(event.type, type);
    cr_assert_eq(now, t->now++);
    return event;
}

static void end(struct tape *t)
{
    struct event event;
    int64_t now;
    cr_expect_eq(event_log_next(&t->reader, &event, &now, &t->err), 0);
    event_log_close(&t->reader);
    event_log_writer_done(&t->writer);
    buf_done(&t->bytes);
}

static struct plan plan_of(struct step *steps, size_t n, struct stage *stage)
{
    static char name[] = "tape", directory[] = "/secret", word[] = "secret word";
    static char *words[] = {word, NULL};
    static struct plan_pair env[] = {{word, word}};
    *stage = (struct stage){.kind = STAGE_COMMAND, .words = words, .n_words = 1};
    for (size_t i = 0; i < n; i++)
        steps[i] = (struct step){.stages = stage,
                                 .n_stages = 1,
                                 .chunking = {CHUNK_ITEMS, 3},
                                 .cpus = 1,
                                 .retry = {.limit = 4, .backoff = 2}};
    return (struct plan){.name = name,
                         .directory = directory,
                         .env = env,
                         .n_env = 1,
                         .source = {.kind = SOURCE_ITEMS, .texts = words, .n_texts = 1},
                         .steps = steps,
                         .n_steps = n,
                         .max_failures = UINT64_MAX,
                         .parallelism = 6,
                         .partial = true};
}

Test(event_log, small_events_come_back)
{
    struct tape t;
    begin(&t);
    put(&t, (struct event){.type = EV_FED_END, .job = 1, .fed_end = {-5, "broke"}});
    put(&t, (struct event){.type = EV_FED_END, .job = 2});
    struct msg_register reg = {.name = "w", .host = "h", .slots = 3, .resources.cpus = 4000};
    put(&t, (struct event){.type = EV_WORKER_UP, .worker = UINT64_MAX, .reg = &reg});
    put(&t, (struct event){.type = EV_WORKER_CREDIT, .worker = 3, .credit = {7, 1 << 20}});
    put(&t, (struct event){.type = EV_RETURN, .worker = 3, .job = 1, .back = {1, 2, 3, 4, 5}});
    put(&t, (struct event){.type = EV_WORKER_DOWN, .worker = 3, .reason = "gone"});
    put(&t, (struct event){.type = EV_STREAM_CREDIT, .job = 1, .stream_credit = {8, 9}});
    put(&t, (struct event){.type = EV_CANCEL, .job = 1, .cancel = CANCEL_KILL});
    put(&t, (struct event){.type = EV_HOLD, .held_bytes = 123});
    put(&t, (struct event){.type = EV_TICK});
    rewind_it(&t);
    struct event e = get(&t, EV_FED_END);
    cr_expect(e.job == 1 && e.fed_end.code == -5 && strcmp(e.fed_end.text, "broke") == 0);
    e = get(&t, EV_FED_END);
    cr_expect(e.job == 2 && e.fed_end.code == 0 && !e.fed_end.text);
    e = get(&t, EV_WORKER_UP);
    cr_expect(e.worker == UINT64_MAX && e.reg->slots == 3 && e.reg->resources.cpus == 4000);
    e = get(&t, EV_WORKER_CREDIT);
    cr_expect(e.worker == 3 && e.credit.window_items == 7 && e.credit.window_bytes == 1 << 20);
    e = get(&t, EV_RETURN);
    cr_expect(e.back.job == 1 && e.back.step == 2 && e.back.attempt == 3 && e.back.first == 4 &&
              e.back.count == 5);
    e = get(&t, EV_WORKER_DOWN);
    cr_expect_str_eq(e.reason, "gone");
    e = get(&t, EV_STREAM_CREDIT);
    cr_expect(e.stream_credit.items == 8 && e.stream_credit.bytes == 9);
    e = get(&t, EV_CANCEL);
    cr_expect_eq(e.cancel, CANCEL_KILL);
    e = get(&t, EV_HOLD);
    cr_expect_eq(e.held_bytes, 123u);
    get(&t, EV_TICK);
    end(&t);
}

Test(event_log, a_plan_keeps_its_steps_and_nothing_of_what_they_run)
{
    struct tape t;
    struct step steps[2];
    struct stage stage;
    struct plan plan = plan_of(steps, 2, &stage);
    begin(&t);
    put(&t, (struct event){.type = EV_SUBMIT, .job = 1, .plan = &plan});
    cr_expect_null(memmem(t.bytes.data, t.bytes.len, "secret", 6));
    rewind_it(&t);
    struct event e = get(&t, EV_SUBMIT);
    cr_expect_str_eq(e.plan->name, "tape");
    cr_expect_eq(e.plan->n_steps, 2u);
    cr_expect_eq(e.plan->parallelism, 6u);
    cr_expect(e.plan->partial);
    cr_expect_eq(e.plan->steps[1].retry.limit, 4u);
    cr_expect_eq(e.plan->steps[1].chunking.n, 3u);
    cr_expect_eq(e.plan->steps[0].stages[0].kind, STAGE_COMMAND);
    plan_free((struct plan *)(uintptr_t)e.plan);
    end(&t);
}

Test(event_log, payloads_are_lengths)
{
    struct tape t;
    struct run run = {.kind = RUN_BYTES, .count = 2, .item_first = 5, .items_per_chunk = 1};
    struct slice bytes;
    uint32_t lens[] = {3, 6};
    begin(&t);
    run.item_end = 7;
    run.lens = lens;
    run.body = (struct slice){.data = (const uint8_t *)"onesecret", .len = 9};
    put(&t, (struct event){.type = EV_FED, .job = 1, .run = &run});
    cr_assert_eq(slice_copy("secret", 6, &bytes), 0);
    put(&t, (struct event){.type = EV_FETCHED, .job = 1, .fetched = {.chunk = 4, .bytes = &bytes}});
    slice_drop(&bytes);
    cr_expect_null(memmem(t.bytes.data, t.bytes.len, "secret", 6));
    rewind_it(&t);
    struct event e = get(&t, EV_FED);
    cr_expect(e.run->count == 2 && e.run->item_first == 5 && e.run->item_end == 7);
    cr_expect(e.run->lens[0] == 3 && e.run->lens[1] == 6 && e.run->body.len == 9);
    e = get(&t, EV_FETCHED);
    cr_expect(e.fetched.chunk == 4 && e.fetched.code == 0 && e.fetched.bytes->len == 6);
    end(&t);
}

Test(event_log, bytes_of_results_stay_where_a_later_step_cuts_them)
{
    struct tape t;
    struct step steps[2];
    struct stage stage;
    struct plan plan = plan_of(steps, 2, &stage);
    uint32_t lens[] = {2, 4};
    struct result result = {.step = 1,
                            .attempt = 2,
                            .chunk = 3,
                            .ending = {.outcome = OUTCOME_OK, .run_ns = 4},
                            .stderr_text = "hidden",
                            .stderr_len = 6,
                            .item_lens = lens,
                            .n_items = 2,
                            .body = (const uint8_t *)"secret",
                            .body_len = 6};
    begin(&t);
    put(&t, (struct event){.type = EV_SUBMIT, .job = 1, .plan = &plan});
    for (uint64_t job = 2; job >= 1; job--) { // job 2 has one step
        struct event event = {.type = EV_RESULT, .worker = 8};
        result.job = job;
        event.result.result = &result;
        event.result.body = (struct slice){.data = result.body, .len = 6};
        event.result.epoch = 9;
        event.result.seq = 10 + job;
        put(&t, event);
        bool has = memmem(t.bytes.data, t.bytes.len, "secret", 6);
        cr_expect_eq(has, job == 1);
    }
    cr_expect_null(memmem(t.bytes.data, t.bytes.len, "hidden", 6));
    rewind_it(&t);
    struct event e = get(&t, EV_SUBMIT);
    plan_free((struct plan *)(uintptr_t)e.plan);
    for (uint64_t job = 2; job >= 1; job--) {
        e = get(&t, EV_RESULT);
        const struct result *r = e.result.result;
        cr_expect(e.worker == 8 && e.result.epoch == 9 && e.result.seq == 10 + job);
        cr_expect(r->job == job && r->step == 1 && r->attempt == 2 && r->chunk == 3 && !r->more);
        cr_expect(r->ending.run_ns == 4 && r->n_items == 2 && r->item_lens[1] == 4);
        cr_expect(e.result.body.len == 6 && r->stderr_len == 0);
        cr_expect_eq(memcmp(e.result.body.data, "secret", 6) == 0, job == 1);
    }
    end(&t);
}

Test(event_log, every_cut_and_every_changed_byte_is_read_or_refused)
{
    struct tape t;
    struct step steps[1];
    struct stage stage;
    struct plan plan = plan_of(steps, 1, &stage);
    begin(&t);
    put(&t, (struct event){.type = EV_SUBMIT, .job = 1, .plan = &plan});
    put(&t, (struct event){.type = EV_WORKER_DOWN, .worker = 3, .reason = "gone"});
    for (size_t cut = 0; cut < 2 * t.bytes.len; cut++) {
        struct core_options options;
        struct event event;
        int64_t now;
        bool changes = cut >= t.bytes.len;
        size_t at = cut % t.bytes.len;
        uint8_t before = t.bytes.data[at];
        if (changes)
            t.bytes.data[at] ^= 0x41;
        int r =
            event_log_open(&t.reader, t.bytes.data, changes ? t.bytes.len : cut, &options, &t.err);
        for (r = r < 0 ? r : 1; r == 1;) {
            r = event_log_next(&t.reader, &event, &now, &t.err);
            if (r == 1 && event.type == EV_SUBMIT)
                plan_free((struct plan *)(uintptr_t)event.plan);
        }
        cr_expect(r == 0 || r == -EPROTO);
        event_log_close(&t.reader);
        t.bytes.data[at] = before;
    }
    rewind_it(&t);
    plan_free((struct plan *)(uintptr_t)get(&t, EV_SUBMIT).plan);
    get(&t, EV_WORKER_DOWN);
    end(&t);
}
