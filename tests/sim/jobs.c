// Random jobs, their sources and consumers, and the truth about their streams.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "pipelines/frame.h"
#include "world.h"

struct sim_job *job_of(struct world *w, uint64_t id)
{
    for (unsigned i = 0; i < w->n_jobs; i++)
        if (w->jobs[i].id == id)
            return &w->jobs[i];
    sim_fail(w, "an action names job %llu, which does not exist", (unsigned long long)id);
}

static void make_chunking(struct rng *rng, struct chunking *chunking)
{
    static const enum chunk_rule rules[] = {CHUNK_ITEMS, CHUNK_LINES, CHUNK_BYTES, CHUNK_AUTO};
    chunking->rule = rules[rng_below(rng, 4)];
    chunking->n = 1 + rng_below(rng, chunking->rule == CHUNK_BYTES ? 40 : 7);
    if (chunking->rule == CHUNK_AUTO)
        chunking->n = 0;
}

static char sim_name[] = "sim";

static void make_job(struct world *w, struct sim_job *job)
{
    struct rng *rng = &w->rng;
    job->stage.kind = rng_percent(rng, 50) ? STAGE_KERNEL : STAGE_PIPE;
    job->plan = (struct plan){.name = sim_name,
                              .steps = job->steps,
                              .n_steps = 1 + rng_below(rng, 3),
                              .order = rng_percent(rng, 60) ? ORDER_INPUT : ORDER_COMPLETION,
                              .max_failures = UINT64_MAX,
                              .crash_limit = 30};
    for (size_t i = 0; i < job->plan.n_steps; i++) {
        struct step *step = &job->steps[i];
        *step = (struct step){.stages = &job->stage, .n_stages = 1, .cpus = 1};
        if (rng_percent(rng, 10))
            step->cpus = 2;
        else if (rng_percent(rng, 10))
            step->gpus = 0.7;
        make_chunking(rng, &step->chunking);
        // Generous: what fails by chance must not fail for good.
        step->retry = (struct retry_policy){.limit = 60,
                                            .delay_ns = (int64_t)rng_below(rng, 100) * NS_PER_MS,
                                            .backoff = 1.2,
                                            .max_delay_ns = 500 * NS_PER_MS};
    }
    if (rng_percent(rng, 40)) {
        struct step *step = &job->steps[job->plan.n_steps++];
        *step = (struct step){.stages = &job->stage, .n_stages = 1, .is_reduce = true, .cpus = 1};
        step->fan_in = rng_percent(rng, 15) ? PLAN_FAN_IN_ALL : (uint32_t)(2 + rng_below(rng, 5));
        step->retry.limit = 60;
    }
    if (rng_percent(rng, 25))
        job->plan.parallelism = (uint32_t)(1 + rng_below(rng, 4));
    job->n_items = rng_percent(rng, 10) ? rng_below(rng, 3) : rng_below(rng, 250);
    job->per_chunk = 1 + (rng_percent(rng, 50) ? 0 : rng_below(rng, 6));
    static const int kinds[] = {RUN_RANGE, RUN_BYTES, RUN_ITEMS};
    job->feed_kind = kinds[rng_below(rng, 3)];
    job->emits_items = rng_percent(rng, 40);
    job->fast = rng_percent(rng, 60);
    if (rng_percent(rng, 50)) {
        job->fail_percent = (unsigned)rng_below(rng, 20);
        job->crash_percent = (unsigned)rng_below(rng, 10);
    }
    if (rng_percent(rng, 25)) {
        job->may_fail = true;
        job->poison_percent = (unsigned)(1 + rng_below(rng, 10));
        for (size_t i = 0; i < job->plan.n_steps; i++)
            job->steps[i].retry.limit = (uint32_t)rng_below(rng, 3);
        static const enum on_error rules[] = {ON_ERROR_CONTINUE, ON_ERROR_FINISH, ON_ERROR_STOP};
        job->plan.on_error = rules[rng_below(rng, 3)];
        if (rng_percent(rng, 30))
            job->plan.max_failures = rng_below(rng, 5);
    }
    if (rng_percent(rng, 25))
        job->plan.priority = (int32_t)rng_below(rng, 3) - 1;
    job->source_breaks = rng_percent(rng, 5);
}

static void on_consume(struct world *w, uint64_t id, uint64_t b, void *data)
{
    struct sim_job *job = job_of(w, id);
    (void)b;
    (void)data;
    if (job->ended)
        return;
    struct event event = {.type = EV_STREAM_CREDIT, .job = id};
    job->credit_items += 1 + rng_below(&w->rng, job->fast ? 100 : 5);
    job->credit_bytes += 1 + rng_below(&w->rng, job->fast ? 10000 : 50);
    event.stream_credit.items = job->credit_items;
    event.stream_credit.bytes = job->credit_bytes;
    sim_event(w, &event);
    sim_at(w, w->now + (int64_t)rng_below(&w->rng, job->fast ? 5 : 300) * NS_PER_MS + 1, on_consume,
           id, 0, NULL);
}

static void on_cancel(struct world *w, uint64_t id, uint64_t mode, void *data)
{
    (void)data;
    if (job_of(w, id)->ended)
        return;
    if (mode == CANCEL_QUEUED && rng_percent(&w->rng, 50)) {
        struct event event = {.type = EV_CANCEL_CHUNKS, .job = id};
        event.cancel_chunks.range.first = rng_below(&w->rng, 20);
        event.cancel_chunks.range.last = event.cancel_chunks.range.first + rng_below(&w->rng, 20);
        job_of(w, id)->cancelled = true;
        sim_event(w, &event);
        return;
    }
    sim_log(w, "job %llu: cancel mode %llu", (unsigned long long)id, (unsigned long long)mode);
    job_of(w, id)->cancelled = true;
    sim_event(w, &(struct event){.type = EV_CANCEL, .job = id, .cancel = (enum cancel_mode)mode});
    if (mode < CANCEL_KILL && rng_percent(&w->rng, 50))
        sim_at(w, w->now + NS_PER_S, on_cancel, id, mode + 1, NULL);
}

// Held or released, and released again if it is held; or what it needs has ended badly.
static void on_block(struct world *w, uint64_t id, uint64_t blocks, void *data)
{
    struct sim_job *job = job_of(w, id);
    struct event event = {.type = EV_BLOCK, .job = id};
    (void)data;
    if (job->ended)
        return;
    if (job->is_blocked && rng_percent(&w->rng, 10)) {
        event.type = EV_NEED_FAILED;
        event.need_text = "not run";
        job->cancelled = true;
        sim_event(w, &event);
        return;
    }
    event.set_blocks = (uint32_t)blocks;
    job->is_blocked = blocks != 0;
    job->blocked_at = w->now;
    sim_event(w, &event);
    if (blocks)
        sim_at(w, w->now + (int64_t)rng_below(&w->rng, 3000) * NS_PER_MS, on_block, id, 0, NULL);
}

static void on_submit(struct world *w, uint64_t id, uint64_t b, void *data)
{
    struct sim_job *job = job_of(w, id);
    (void)b;
    (void)data;
    struct event event = {.type = EV_SUBMIT, .job = id};
    event.plan = &job->plan;
    if (rng_percent(&w->rng, 15))
        event.blocks = rng_percent(&w->rng, 50) ? BLOCK_HELD : BLOCK_NEEDS;
    job->is_blocked = event.blocks;
    sim_event(w, &event);
    on_consume(w, id, 0, NULL);
    if (event.blocks || rng_percent(&w->rng, 10))
        sim_at(w, w->now + (int64_t)rng_below(&w->rng, 3000) * NS_PER_MS, on_block, id,
               event.blocks ? 0 : BLOCK_HELD, NULL);
    if (rng_percent(&w->rng, 8))
        sim_at(w, w->now + (int64_t)rng_below(&w->rng, 3000) * NS_PER_MS, on_cancel, id,
               CANCEL_QUEUED + rng_below(&w->rng, 3), NULL);
}

void jobs_make(struct world *w)
{
    w->n_jobs = (unsigned)(1 + rng_below(&w->rng, SIM_JOBS_MAX));
    for (unsigned i = 0; i < w->n_jobs; i++) {
        struct sim_job *job = &w->jobs[i];
        job->id = i + 1;
        buf_init(&job->stream, 0);
        buf_init(&job->missing, 0);
        make_job(w, job);
        sim_log(w, "job %llu: %llu items, %zu steps, order %d, kind %d",
                (unsigned long long)job->id, (unsigned long long)job->n_items, job->plan.n_steps,
                job->plan.order, job->feed_kind);
        sim_at(w, (int64_t)rng_below(&w->rng, 2000) * NS_PER_MS, on_submit, job->id, 0, NULL);
    }
}

void jobs_free(struct world *w)
{
    for (unsigned i = 0; i < w->n_jobs; i++) {
        struct sim_job *job = &w->jobs[i];
        buf_done(&job->stream);
        buf_done(&job->missing);
        for (int s = 0; s < 5; s++) {
            for (uint64_t c = 0; c < job->n_contents[s]; c++)
                buf_done(&job->contents[s][c].bytes);
            free(job->contents[s]);
        }
    }
}

void job_remember(struct world *w, struct sim_job *job, uint32_t step,
                  const struct sim_chunk *leased)
{
    uint64_t chunk = leased->number;
    const struct buf *bytes = &leased->bytes;
    if (step >= job->plan.n_steps)
        sim_fail(w, "a lease names step %u, which does not exist", step);
    while (job->n_contents[step] <= chunk) {
        uint64_t n = job->n_contents[step] ? job->n_contents[step] * 2 : 64;
        struct content *c = realloc(job->contents[step], n * sizeof(*c));
        if (!c)
            abort();
        memset(c + job->n_contents[step], 0, (n - job->n_contents[step]) * sizeof(*c));
        job->contents[step] = c;
        job->n_contents[step] = n;
    }
    struct content *content = &job->contents[step][chunk];
    if (!content->known) {
        content->known = true;
        buf_init(&content->bytes, 0);
        buf_add(&content->bytes, bytes->data, bytes->len);
    } else if (content->bytes.len != bytes->len ||
               (bytes->len && memcmp(content->bytes.data, bytes->data, bytes->len) != 0)) {
        sim_fail(w, "chunk %llu of step %u is leased again with another content",
                 (unsigned long long)chunk, step);
    }
    if (leased->attempt > ++content->tries)
        sim_fail(w, "chunk %llu of step %u is in attempt %u, and %u leases of it may have begun",
                 (unsigned long long)chunk, step, leased->attempt, content->tries);
}

void job_returned(struct sim_job *job, const struct msg_return *back)
{
    job->contents[back->step][back->first].tries--;
}

bool job_is_poisoned(const struct sim_job *job, const struct buf *bytes)
{
    if (!job->poison_percent)
        return false;
    // By the lines it holds, so that each attempt fails alike.
    uint64_t number = 0;
    for (size_t i = 0; i < bytes->len; i++) {
        if (bytes->data[i] != '\n') {
            number = number * 10 + (uint64_t)(bytes->data[i] - '0');
            continue;
        }
        struct rng rng = {.state = number * 31 + job->id};
        if (rng_percent(&rng, job->poison_percent))
            return true;
        number = 0;
    }
    return false;
}

static void on_feed(struct world *w, uint64_t id, uint64_t max, void *data)
{
    struct sim_job *job = job_of(w, id);
    (void)data;
    job->feeding = false;
    if (job->ended)
        return;
    if (job->source_breaks && job->fed * 2 >= job->n_items) {
        struct event event = {.type = EV_FED_END, .job = id};
        event.fed_end.code = -5;
        event.fed_end.text = "the source broke";
        sim_event(w, &event);
        job->fed_end = true;
        return;
    }
    uint64_t left = (job->n_items - job->fed + job->per_chunk - 1) / job->per_chunk;
    uint64_t n = left < max ? left : max;
    if (n == 0) {
        job->fed_end = true;
        sim_event(w, &(struct event){.type = EV_FED_END, .job = id});
        return;
    }
    if (rng_percent(&w->rng, 50))
        n = 1 + rng_below(&w->rng, n);
    struct run run = {.kind = (enum run_kind)job->feed_kind,
                      .count = n,
                      .item_first = job->fed,
                      .items_per_chunk = job->per_chunk};
    run.item_end = job->fed + n * job->per_chunk;
    if (run.item_end > job->n_items)
        run.item_end = job->n_items;
    if (run.kind != RUN_RANGE) {
        struct buf body;
        buf_init(&body, 0);
        run.lens = calloc(n, sizeof(*run.lens));
        if (!run.lens)
            abort();
        for (uint64_t c = 0; c < n; c++) {
            size_t before = body.len;
            for (uint64_t k = 0; k < job->per_chunk && job->fed < job->n_items; k++, job->fed++) {
                char line[24];
                int len = snprintf(line, sizeof(line), "%llu\n", (unsigned long long)job->fed);
                if (run.kind == RUN_ITEMS)
                    frame_add(&body, line, (size_t)len);
                else
                    buf_add(&body, line, (size_t)len);
            }
            run.lens[c] = (uint32_t)(body.len - before);
        }
        if (slice_copy(body.data, body.len, &run.body) < 0)
            abort();
        buf_done(&body);
    } else {
        job->fed = run.item_end;
    }
    sim_event(w, &(struct event){.type = EV_FED, .job = id, .run = &run});
}

void shell_want(struct world *w, const struct action *action)
{
    struct sim_job *job = job_of(w, action->job);
    if (job->feeding)
        sim_fail(w, "a second want before the first was answered");
    if (job->fed_end)
        sim_fail(w, "a want after the source's end");
    if (job->is_blocked)
        sim_fail(w, "a want of a job that may not start");
    if (action->want.chunks == 0 || action->want.bytes == 0)
        sim_fail(w, "a want of nothing");
    job->feeding = true;
    sim_at(w, w->now + (int64_t)rng_below(&w->rng, 20) * NS_PER_MS, on_feed, job->id,
           action->want.chunks, NULL);
}

void shell_deliver(struct world *w, const struct action *action)
{
    struct sim_job *job = job_of(w, action->job);
    const struct delivery *d = &action->delivery;
    if (job->ended)
        sim_fail(w, "a record after the job's end");
    if (d->offset != job->offset++)
        sim_fail(w, "offset %llu where %llu was next", (unsigned long long)d->offset,
                 (unsigned long long)job->offset - 1);
    if (job->offset > job->credit_items)
        sim_fail(w, "a record without credit");
    if (d->ending.outcome == OUTCOME_OK) {
        if (d->step + 1 != job->plan.n_steps)
            sim_fail(w, "a good record of a step that is not the last");
        for (size_t i = 0; i < d->n_parts; i++)
            buf_add(&job->stream, d->parts[i].data, d->parts[i].len);
        return;
    }
    sim_log(w, "job %llu: chunk %llu of step %u failed: outcome %d after attempt %u",
            (unsigned long long)job->id, (unsigned long long)d->chunk, d->step, d->ending.outcome,
            d->attempt);
    job->failed_seen++;
    // Without a second chance, what a cancelled job still ran may fail by chance.
    if (!job->may_fail && !job->cancelled)
        sim_fail(w, "chunk %llu of step %u failed for good, and nothing gave it a reason",
                 (unsigned long long)d->chunk, d->step);
    // One that is cancelled alone need not have been leased.
    bool known = d->chunk < job->n_contents[d->step] && job->contents[d->step][d->chunk].known;
    if (!known && d->ending.outcome != OUTCOME_CANCELLED)
        sim_fail(w, "a chunk failed that was never leased");
    if (known) {
        const struct buf *bytes = &job->contents[d->step][d->chunk].bytes;
        buf_add(&job->missing, bytes->data, bytes->len);
    }
    // A job that winds down gives no second chance.
    bool winds_down = job->cancelled || job->plan.on_error != ON_ERROR_CONTINUE ||
                      job->plan.max_failures != UINT64_MAX;
    if (!winds_down && d->ending.outcome == OUTCOME_EXIT &&
        d->attempt < job->steps[d->step].retry.limit + 1)
        sim_fail(w, "failed at attempt %u before its retries were used", d->attempt);
}

void shell_job_end(struct world *w, const struct action *action)
{
    struct sim_job *job = job_of(w, action->job);
    if (job->ended)
        sim_fail(w, "a job ended twice");
    job->ended = true;
    job->summary = *action->summary;
    sim_log(w, "job %llu: ended as %d: %llu ok, %llu failed", (unsigned long long)job->id,
            action->summary->fate, (unsigned long long)action->summary->ok,
            (unsigned long long)action->summary->failed);
}

static int mark_lines(struct world *w, const struct sim_job *job, const struct buf *bytes,
                      uint8_t *seen, bool in_order)
{
    uint64_t number = 0, before = 0;
    bool first = true, inside = false;
    for (size_t i = 0; i < bytes->len; i++) {
        if (bytes->data[i] != '\n') {
            number = number * 10 + (uint64_t)(bytes->data[i] - '0');
            inside = true;
            continue;
        }
        if (!inside || number >= job->n_items)
            sim_fail(w, "job %llu: line %llu is not in the input", (unsigned long long)job->id,
                     (unsigned long long)number);
        if (seen[number]++)
            sim_fail(w, "job %llu: line %llu came twice", (unsigned long long)job->id,
                     (unsigned long long)number);
        if (in_order && !first && number <= before)
            sim_fail(w, "job %llu: line %llu after line %llu", (unsigned long long)job->id,
                     (unsigned long long)number, (unsigned long long)before);
        before = number;
        first = false;
        number = 0;
        inside = false;
    }
    return inside;
}

static void check_job(struct world *w, struct sim_job *job)
{
    uint8_t *seen = calloc(job->n_items + 1, 1);
    const struct job_summary *s = &job->summary;
    if (!seen)
        abort();
    if (mark_lines(w, job, &job->stream, seen, job->plan.order == ORDER_INPUT))
        sim_fail(w, "job %llu: the stream ends within a line", (unsigned long long)job->id);
    mark_lines(w, job, &job->missing, seen, false);
    if (s->failed != job->failed_seen)
        sim_fail(w, "job %llu: %llu failures counted, %llu delivered", (unsigned long long)job->id,
                 (unsigned long long)s->failed, (unsigned long long)job->failed_seen);
    if (!job->cancelled && !job->source_breaks &&
        (job->plan.on_error == ON_ERROR_CONTINUE || !job->may_fail) &&
        job->plan.max_failures == UINT64_MAX) {
        if (s->fate != FATE_COMPLETE)
            sim_fail(w, "job %llu ended as %d", (unsigned long long)job->id, s->fate);
        for (uint64_t i = 0; i < job->n_items; i++)
            if (!seen[i])
                sim_fail(w, "job %llu: line %llu was lost", (unsigned long long)job->id,
                         (unsigned long long)i);
    }
    if (s->fate == FATE_COMPLETE && (s->unrun || s->cancelled))
        sim_fail(w, "a complete job left chunks unrun");
    if (job->plan.n_steps == 1 && s->ok + s->failed + s->cancelled + s->unrun != s->chunks)
        sim_fail(w, "job %llu: %llu chunks, but %llu + %llu + %llu + %llu",
                 (unsigned long long)job->id, (unsigned long long)s->chunks,
                 (unsigned long long)s->ok, (unsigned long long)s->failed,
                 (unsigned long long)s->cancelled, (unsigned long long)s->unrun);
    free(seen);
}

void jobs_check(struct world *w)
{
    for (unsigned i = 0; i < w->n_jobs; i++)
        check_job(w, &w->jobs[i]);
}
