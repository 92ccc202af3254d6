// What a worker sends to the core: credit, results, lies; and how its chunks come to an end.
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "workers.h"

#define BEGUN_NS (10 * NS_PER_MS)

struct sim_result {
    uint64_t epoch, seq, job, chunk;
    uint32_t step, attempt;
    uint8_t outcome;
    bool more;
    uint32_t n_items;
    uint32_t lens[64];
    size_t len;
    uint8_t bytes[];
};

bool worker_arrives(struct world *w, uint64_t id)
{
    const struct sim_worker *worker = worker_of(w, id);
    return worker && !worker->cut;
}

static void on_credit(struct world *w, uint64_t id, uint64_t window, void *data)
{
    (void)data;
    if (!worker_arrives(w, id))
        return;
    struct event event = {.type = EV_WORKER_CREDIT, .worker = id};
    event.credit = (struct msg_credit){(uint32_t)window, SIM_WORKER_BYTES};
    sim_event(w, &event);
}

void worker_send_credit(struct world *w, struct sim_worker *worker, uint32_t window)
{
    worker->window = window;
    if (window > worker->window_max)
        worker->window_max = window;
    sim_at(w, link_time(w, &worker->in_at), on_credit, worker->id, window, NULL);
}

static void on_result(struct world *w, uint64_t id, uint64_t b, void *data)
{
    const struct sim_result *sent = data;
    (void)b;
    if (!worker_arrives(w, id))
        return;
    struct result result = {.job = sent->job,
                            .step = sent->step,
                            .attempt = sent->attempt,
                            .chunk = sent->chunk,
                            .more = sent->more,
                            .ending.outcome = sent->outcome,
                            .ending.code = sent->outcome == OUTCOME_OK ? 0 : 1,
                            .ending.run_ns = 1000,
                            .n_items = sent->n_items ? sent->n_items : 1,
                            .item_lens = sent->n_items ? sent->lens : NULL,
                            .body = sent->bytes,
                            .body_len = sent->len};
    struct event event = {.type = EV_RESULT, .worker = id};
    event.result.result = &result;
    event.result.epoch = sent->epoch;
    event.result.seq = sent->seq;
    event.result.body = (struct slice){.data = sent->bytes, .len = sent->len};
    sim_event(w, &event);
}

static struct sim_result *make_result(const struct sim_worker *worker,
                                      const struct sim_chunk *chunk, uint8_t outcome,
                                      const void *bytes, size_t len)
{
    struct sim_result *sent = calloc(1, sizeof(*sent) + len);
    if (!sent)
        abort();
    sent->epoch = SIM_EPOCH;
    sent->seq = worker->next_seq;
    sent->job = chunk->job;
    sent->step = chunk->step;
    sent->chunk = chunk->number;
    sent->attempt = chunk->attempt;
    sent->outcome = outcome;
    sent->len = len;
    if (len)
        memcpy(sent->bytes, bytes, len);
    return sent;
}

static void send_wire(struct world *w, struct sim_worker *worker, struct sim_result *sent)
{
    sim_at(w, link_time(w, &worker->in_at), on_result, worker->id, 0, sent);
}

// Words that must not count: of another epoch, of another attempt, of a worker that doesn't have
// it.
static void send_lies(struct world *w, struct sim_worker *worker, const struct sim_chunk *chunk)
{
    static const char lie[] = "999999999\n";
    struct sim_result *sent = make_result(worker, chunk, OUTCOME_OK, lie, sizeof(lie) - 1);
    switch (rng_below(&w->rng, 3)) {
    case 0:
        sent->epoch--;
        break;
    case 1:
        sent->attempt += rng_percent(&w->rng, 50) ? 1 : (uint32_t)-1;
        break;
    default: {
        struct sim_worker *other = &w->workers[rng_below(&w->rng, SIM_WORKERS_MAX)];
        if (other->id && other != worker) {
            sent->seq = other->next_seq++;
            send_wire(w, other, sent);
            return;
        }
        sent->epoch++;
        break;
    }
    }
    worker->next_seq++;
    send_wire(w, worker, sent);
}

static void split_lines(struct sim_result *sent)
{
    size_t begin = 0;
    for (size_t i = 0; i < sent->len; i++) {
        if (sent->bytes[i] != '\n')
            continue;
        if (sent->n_items == 64) { // too many for a message of ours: one result again
            sent->n_items = 0;
            return;
        }
        sent->lens[sent->n_items++] = (uint32_t)(i + 1 - begin);
        begin = i + 1;
    }
}

void worker_send_final(struct world *w, struct sim_worker *worker, const struct sim_chunk *chunk,
                       uint8_t outcome)
{
    const struct sim_job *job = job_of(w, chunk->job);
    size_t at = 0;
    bool split = !job->emits_items && rng_percent(&w->rng, 20);
    while (outcome == OUTCOME_OK && split && chunk->bytes.len - at > 1) {
        size_t len = 1 + rng_below(&w->rng, chunk->bytes.len - at - 1);
        struct sim_result *part = make_result(worker, chunk, 0, chunk->bytes.data + at, len);
        part->more = true;
        worker->next_seq++;
        send_wire(w, worker, part);
        at += len;
    }
    size_t left = outcome == OUTCOME_OK ? chunk->bytes.len - at : 0;
    struct sim_result *sent =
        make_result(worker, chunk, outcome, left ? chunk->bytes.data + at : NULL, left);
    if (job->emits_items && outcome == OUTCOME_OK)
        split_lines(sent);
    worker->next_seq++;
    worker->outstanding--;
    if (rng_percent(&w->rng, 10) && w->now < SIM_FAULTS_END) {
        // Sent again, as after a reconnect.
        struct sim_result *twin = malloc(sizeof(*sent) + sent->len);
        if (!twin)
            abort();
        memcpy(twin, sent, sizeof(*sent) + sent->len);
        send_wire(w, worker, sent);
        send_wire(w, worker, twin);
        return;
    }
    send_wire(w, worker, sent);
}

// ---- running

static void on_run_over(struct world *w, uint64_t id, uint64_t slot, void *data)
{
    struct sim_worker *worker = worker_of(w, id);
    (void)data;
    if (!worker || !worker->run[slot])
        return;
    struct sim_chunk *chunk = worker->run[slot];
    const struct sim_job *job = job_of(w, chunk->job);
    bool faults = w->now < SIM_FAULTS_END;
    uint8_t outcome = OUTCOME_OK;
    if (faults && worker->lacks >> chunk->job & 1)
        outcome = rng_percent(&w->rng, 50) ? OUTCOME_NOT_FOUND : OUTCOME_NOT_RUNNABLE;
    else if (job_is_poisoned(job, &chunk->bytes))
        outcome = OUTCOME_EXIT;
    else if (faults && rng_percent(&w->rng, job->fail_percent))
        outcome = OUTCOME_EXIT;
    else if (faults && rng_percent(&w->rng, job->crash_percent))
        outcome = OUTCOME_CRASH;
    // What it has when it is set aside for each step of each job, and a try now and then.
    if (outcome_is_unstarted(outcome) && ++worker->refusals > 15 * (worker->window_max + 10))
        sim_fail(w, "worker %llu is asked for what it lacks again and again",
                 (unsigned long long)id);
    worker->run[slot] = NULL;
    worker->running--;
    worker_send_final(w, worker, chunk, outcome);
    sim_chunk_free(chunk);
    worker_start_runs(w, worker);
}

static void on_begun(struct world *w, uint64_t id, uint64_t job, void *data)
{
    struct event event = {.type = EV_BEGUN, .worker = id, .job = job};
    event.begun = *(struct msg_begun *)data;
    if (worker_arrives(w, id))
        sim_event(w, &event);
}

void worker_send_begun(struct world *w, struct sim_worker *worker, uint32_t slot)
{
    const struct sim_chunk *chunk = worker->run[slot];
    struct msg_begun *begun = malloc(sizeof(*begun));
    if (!begun)
        abort();
    *begun = (struct msg_begun){chunk->job, chunk->step, chunk->attempt, chunk->number,
                                w->now - worker->began[slot]};
    sim_at(w, link_time(w, &worker->in_at), on_begun, worker->id, chunk->job, begun);
}

// What has run for a while is told.
static void on_while(struct world *w, uint64_t id, uint64_t slot, void *data)
{
    struct sim_worker *worker = worker_of(w, id);
    (void)data;
    if (worker && worker->run[slot] && w->now - worker->began[slot] >= BEGUN_NS)
        worker_send_begun(w, worker, (uint32_t)slot);
}

void worker_start_runs(struct world *w, struct sim_worker *worker)
{
    for (uint32_t slot = 0; slot < worker->slots && worker->queue; slot++) {
        if (worker->run[slot])
            continue;
        struct sim_chunk *chunk = worker->queue;
        worker->queue = chunk->next;
        if (!worker->queue)
            worker->queue_last = NULL;
        const struct sim_job *job = job_of(w, chunk->job);
        if (job->is_blocked && !job->ended && !worker->cut && w->now - job->blocked_at > NS_PER_S)
            sim_fail(w, "a chunk begins a second after its job was held");
        worker->run[slot] = chunk;
        worker->running++;
        worker->began[slot] = w->now;
        sim_at(w, w->now + BEGUN_NS, on_while, worker->id, slot, NULL);
        if (w->now < SIM_FAULTS_END && rng_percent(&w->rng, 8))
            send_lies(w, worker, chunk);
        // A few take long: then what waits behind them must run elsewhere.
        uint64_t us = rng_below(&w->rng, rng_percent(&w->rng, 1)   ? 12000000
                                         : rng_percent(&w->rng, 3) ? 2000000
                                                                   : 20000);
        sim_at(w, w->now + (int64_t)us * NS_PER_US, on_run_over, worker->id, slot, NULL);
    }
}
