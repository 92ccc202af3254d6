// Workers and their links: slots, queues, credit, numbered results, and everything that can happen
// to them. A link delays, but keeps its order; different links overtake each other.
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "pipelines/frame.h"
#include "world.h"

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

static struct sim_worker *worker_of(struct world *w, uint64_t id)
{
    for (int i = 0; i < SIM_WORKERS_MAX; i++)
        if (id && w->workers[i].id == id)
            return &w->workers[i];
    return NULL;
}

static int64_t link_time(struct world *w, int64_t *last)
{
    int64_t at = w->now + (int64_t)(1 + rng_below(&w->rng, 3000)) * NS_PER_US;
    if (at <= *last)
        at = *last + 1;
    *last = at;
    return at;
}

static void chunk_free(struct sim_chunk *chunk)
{
    if (!chunk)
        return;
    buf_done(&chunk->bytes);
    free(chunk);
}

static void worker_reset(struct sim_worker *worker)
{
    for (struct sim_chunk *chunk = worker->queue, *next; chunk; chunk = next) {
        next = chunk->next;
        chunk_free(chunk);
    }
    for (uint32_t i = 0; i < 8; i++)
        chunk_free(worker->run[i]);
    memset(worker, 0, sizeof(*worker));
}

void workers_free(struct world *w)
{
    for (int i = 0; i < SIM_WORKERS_MAX; i++)
        worker_reset(&w->workers[i]);
}

// ---- towards the core; `a` is the worker

static bool arrives(struct world *w, uint64_t id)
{
    const struct sim_worker *worker = worker_of(w, id);
    return worker && !worker->cut;
}

static void on_credit(struct world *w, uint64_t id, uint64_t window, void *data)
{
    (void)data;
    if (!arrives(w, id))
        return;
    struct event event = {.type = EV_WORKER_CREDIT, .worker = id};
    event.credit = (struct msg_credit){(uint32_t)window, SIM_WORKER_BYTES};
    sim_event(w, &event);
}

static void send_credit(struct world *w, struct sim_worker *worker, uint32_t window)
{
    worker->window = window;
    if (window > worker->window_max)
        worker->window_max = window;
    sim_at(w, link_time(w, &worker->in_at), on_credit, worker->id, window, NULL);
}

static void on_result(struct world *w, uint64_t id, uint64_t b, void *data)
{
    const struct sim_result *wire = data;
    (void)b;
    if (!arrives(w, id))
        return;
    struct result result = {.job = wire->job,
                            .step = wire->step,
                            .attempt = wire->attempt,
                            .chunk = wire->chunk,
                            .more = wire->more,
                            .ending.outcome = wire->outcome,
                            .ending.code = wire->outcome == OUTCOME_OK ? 0 : 1,
                            .ending.run_ns = 1000,
                            .n_items = wire->n_items ? wire->n_items : 1,
                            .item_lens = wire->n_items ? wire->lens : NULL,
                            .body = wire->bytes,
                            .body_len = wire->len};
    struct event event = {.type = EV_RESULT, .worker = id};
    event.result.result = &result;
    event.result.epoch = wire->epoch;
    event.result.seq = wire->seq;
    event.result.body = (struct slice){.data = wire->bytes, .len = wire->len};
    sim_event(w, &event);
}

static struct sim_result *make_result(const struct sim_worker *worker,
                                      const struct sim_chunk *chunk, uint8_t outcome,
                                      const void *bytes, size_t len)
{
    struct sim_result *wire = calloc(1, sizeof(*wire) + len);
    if (!wire)
        abort();
    wire->epoch = SIM_EPOCH;
    wire->seq = worker->next_seq;
    wire->job = chunk->job;
    wire->step = chunk->step;
    wire->chunk = chunk->number;
    wire->attempt = chunk->attempt;
    wire->outcome = outcome;
    wire->len = len;
    if (len)
        memcpy(wire->bytes, bytes, len);
    return wire;
}

static void send_wire(struct world *w, struct sim_worker *worker, struct sim_result *wire)
{
    sim_at(w, link_time(w, &worker->in_at), on_result, worker->id, 0, wire);
}

// Words that must not count: of another epoch, of another attempt, of a worker that doesn't have
// it.
static void send_lies(struct world *w, struct sim_worker *worker, const struct sim_chunk *chunk)
{
    static const char lie[] = "999999999\n";
    struct sim_result *wire = make_result(worker, chunk, OUTCOME_OK, lie, sizeof(lie) - 1);
    switch (rng_below(&w->rng, 3)) {
    case 0:
        wire->epoch--;
        break;
    case 1:
        wire->attempt += rng_percent(&w->rng, 50) ? 1 : (uint32_t)-1;
        break;
    default: {
        struct sim_worker *other = &w->workers[rng_below(&w->rng, SIM_WORKERS_MAX)];
        if (other->id && other != worker) {
            wire->seq = other->next_seq++;
            send_wire(w, other, wire);
            return;
        }
        wire->epoch++;
        break;
    }
    }
    worker->next_seq++;
    send_wire(w, worker, wire);
}

static void split_lines(struct sim_result *wire)
{
    size_t begin = 0;
    for (size_t i = 0; i < wire->len; i++) {
        if (wire->bytes[i] != '\n')
            continue;
        if (wire->n_items == 64) { // too many for a message of ours: one result again
            wire->n_items = 0;
            return;
        }
        wire->lens[wire->n_items++] = (uint32_t)(i + 1 - begin);
        begin = i + 1;
    }
}

static void send_final(struct world *w, struct sim_worker *worker, const struct sim_chunk *chunk,
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
    struct sim_result *wire =
        make_result(worker, chunk, outcome, left ? chunk->bytes.data + at : NULL, left);
    if (job->emits_items && outcome == OUTCOME_OK)
        split_lines(wire);
    worker->next_seq++;
    worker->outstanding--;
    if (rng_percent(&w->rng, 10) && w->now < SIM_FAULTS_END) {
        // Sent again, as after a reconnect.
        struct sim_result *twin = malloc(sizeof(*wire) + wire->len);
        if (!twin)
            abort();
        memcpy(twin, wire, sizeof(*wire) + wire->len);
        send_wire(w, worker, wire);
        send_wire(w, worker, twin);
        return;
    }
    send_wire(w, worker, wire);
}

// ---- running

static void start_runs(struct world *w, struct sim_worker *worker);

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
    if (job_is_poisoned(job, &chunk->bytes))
        outcome = OUTCOME_EXIT;
    else if (faults && rng_percent(&w->rng, job->fail_percent))
        outcome = OUTCOME_EXIT;
    else if (faults && rng_percent(&w->rng, job->crash_percent))
        outcome = OUTCOME_CRASH;
    worker->run[slot] = NULL;
    worker->running--;
    send_final(w, worker, chunk, outcome);
    chunk_free(chunk);
    start_runs(w, worker);
}

static void start_runs(struct world *w, struct sim_worker *worker)
{
    for (uint32_t slot = 0; slot < worker->slots && worker->queue; slot++) {
        if (worker->run[slot])
            continue;
        struct sim_chunk *chunk = worker->queue;
        worker->queue = chunk->next;
        if (!worker->queue)
            worker->queue_last = NULL;
        worker->run[slot] = chunk;
        worker->running++;
        if (w->now < SIM_FAULTS_END && rng_percent(&w->rng, 8))
            send_lies(w, worker, chunk);
        uint64_t us =
            rng_percent(&w->rng, 3) ? rng_below(&w->rng, 2000000) : rng_below(&w->rng, 20000);
        sim_at(w, w->now + (int64_t)us * NS_PER_US, on_run_over, worker->id, slot, NULL);
    }
}

// ---- from the core

struct sim_lease {
    struct sim_lease *next;
    struct sim_chunk *first;
    uint32_t n;
};

static void on_leases(struct world *w, uint64_t id, uint64_t b, void *data)
{
    struct sim_worker *worker = worker_of(w, id);
    struct sim_chunk *chunk = *(struct sim_chunk **)data;
    (void)b;
    while (chunk) {
        struct sim_chunk *next = chunk->next;
        chunk->next = NULL;
        if (!worker) {
            chunk_free(chunk);
        } else {
            if (worker->queue_last)
                worker->queue_last->next = chunk;
            else
                worker->queue = chunk;
            worker->queue_last = chunk;
            worker->outstanding++;
        }
        chunk = next;
    }
    if (!worker)
        return;
    if (worker->outstanding > worker->window_max)
        sim_fail(w, "worker %llu holds %u chunks, its window was at most %u",
                 (unsigned long long)id, worker->outstanding, worker->window_max);
    start_runs(w, worker);
}

static void decode_chunk(struct world *w, const struct lease *lease, uint32_t i, size_t at,
                         struct buf *ret)
{
    buf_init(ret, 0);
    if (lease->kind == RUN_RANGE) {
        uint64_t first = lease->item_first + i * lease->items_per_chunk;
        uint64_t end = first + lease->items_per_chunk;
        if (end > lease->item_end)
            end = lease->item_end;
        for (; first < end; first++)
            buf_printf(ret, "%llu\n", (unsigned long long)first);
        return;
    }
    if (lease->kind == RUN_BYTES) {
        buf_add(ret, lease->body + at, lease->lens[i]);
        // An item of lines comes without the line's end; the identity gives a whole line.
        if (ret->len && ret->data[ret->len - 1] != '\n')
            buf_add(ret, "\n", 1);
        return;
    }
    struct frame_reader reader;
    const uint8_t *item;
    size_t len;
    int r;
    frame_reader_init(&reader, lease->body + at, lease->lens[i]);
    while ((r = frame_next(&reader, &item, &len)) == 1) {
        buf_add(ret, item, len);
        if (len && item[len - 1] != '\n')
            buf_add(ret, "\n", 1);
    }
    if (r < 0)
        sim_fail(w, "a lease carries a broken list of items");
}

static void receive_lease(struct world *w, struct sim_worker *worker, const struct action *action)
{
    struct lease lease = action->lease.lease;
    struct sim_job *job = job_of(w, action->job);
    struct sim_chunk *list = NULL, **end = &list;
    size_t at = 0;
    lease.lens = action->lease.lens;
    lease.body = action->lease.body.data;
    if (!(worker->known[job->id - 1] & (1u << lease.step)))
        sim_fail(w, "step %u was leased before it was defined", lease.step);
    for (uint32_t i = 0; i < lease.count; i++) {
        struct sim_chunk *chunk = calloc(1, sizeof(*chunk));
        if (!chunk)
            abort();
        chunk->job = lease.job;
        chunk->step = lease.step;
        chunk->attempt = lease.attempt;
        chunk->number = lease.first + i;
        decode_chunk(w, &lease, i, at, &chunk->bytes);
        at += lease.lens ? lease.lens[i] : 0;
        job_remember(w, job, lease.step, chunk->number, &chunk->bytes);
        *end = chunk;
        end = &chunk->next;
    }
    if (at != lease.body_len)
        sim_fail(w, "a lease's lengths don't add up");
    struct sim_chunk **box = malloc(sizeof(*box));
    if (!box)
        abort();
    *box = list;
    sim_at(w, link_time(w, &worker->out_at), on_leases, worker->id, 0, box);
}

static void on_return(struct world *w, uint64_t id, uint64_t job, void *data)
{
    if (!arrives(w, id))
        return;
    struct event event = {.type = EV_RETURN, .worker = id, .job = job};
    event.back = *(struct msg_return *)data;
    sim_event(w, &event);
}

static void return_queued(struct world *w, struct sim_worker *worker, uint64_t job)
{
    struct sim_chunk **at = &worker->queue;
    worker->queue_last = NULL;
    while (*at) {
        struct sim_chunk *chunk = *at;
        if (job && chunk->job != job) {
            worker->queue_last = chunk;
            at = &chunk->next;
            continue;
        }
        *at = chunk->next;
        struct msg_return *back = malloc(sizeof(*back));
        if (!back)
            abort();
        *back = (struct msg_return){chunk->job, chunk->step, chunk->attempt, chunk->number, 1};
        worker->outstanding--;
        sim_at(w, link_time(w, &worker->in_at), on_return, worker->id, chunk->job, back);
        chunk_free(chunk);
    }
}

static void on_cancel(struct world *w, uint64_t id, uint64_t job_mode, void *data)
{
    struct sim_worker *worker = worker_of(w, id);
    uint64_t job = job_mode >> 8;
    (void)data;
    if (!worker)
        return;
    return_queued(w, worker, job);
    if ((job_mode & 0xff) == CANCEL_QUEUED)
        return;
    for (uint32_t slot = 0; slot < worker->slots; slot++) {
        struct sim_chunk *chunk = worker->run[slot];
        if (!chunk || chunk->job != job)
            continue;
        worker->run[slot] = NULL;
        worker->running--;
        send_final(w, worker, chunk, OUTCOME_CANCELLED);
        chunk_free(chunk);
    }
    start_runs(w, worker);
}

void worker_receive(struct world *w, const struct action *action)
{
    struct sim_worker *worker = worker_of(w, action->worker);
    if (!worker)
        return;
    switch (action->type) {
    case ACT_STEP:
        worker->known[action->job - 1] |= 1u << action->step;
        break;
    case ACT_LEASE:
        receive_lease(w, worker, action);
        break;
    case ACT_CANCEL:
        sim_at(w, link_time(w, &worker->out_at), on_cancel, worker->id,
               action->job << 8 | action->mode, NULL);
        break;
    case ACT_ACK:
        if (action->seq >= worker->next_seq)
            sim_fail(w, "an acknowledgement of what was never sent");
        break;
    default:
        break;
    }
}

// ---- coming and going

static void on_join(struct world *w, uint64_t slot, uint64_t b, void *data);

static void on_down(struct world *w, uint64_t id, uint64_t b, void *data)
{
    (void)b;
    (void)data;
    sim_event(w, &(struct event){.type = EV_WORKER_DOWN, .worker = id, .reason = "lost"});
}

static void leave(struct world *w, struct sim_worker *worker)
{
    worker_reset(worker);
    sim_at(w, w->now + (int64_t)rng_below(&w->rng, 4000) * NS_PER_MS + 1, on_join,
           (uint64_t)(worker - w->workers), 0, NULL);
}

void worker_dropped(struct world *w, uint64_t id)
{
    struct sim_worker *worker = worker_of(w, id);
    sim_log(w, "worker %llu: dropped for its silence", (unsigned long long)id);
    if (worker)
        leave(w, worker);
}

static void on_fault(struct world *w, uint64_t id, uint64_t b, void *data)
{
    struct sim_worker *worker = worker_of(w, id);
    (void)b;
    (void)data;
    if (!worker || w->now >= SIM_FAULTS_END)
        return;
    switch (rng_below(&w->rng, 4)) {
    case 0:
        sim_log(w, "worker %llu: killed", (unsigned long long)id);
        sim_at(w, w->now + (int64_t)rng_below(&w->rng, 100) * NS_PER_MS, on_down, id, 0, NULL);
        leave(w, worker);
        return;
    case 1:
        sim_log(w, "worker %llu: cut off", (unsigned long long)id);
        worker->cut = true;
        return;
    case 2:
        send_credit(w, worker, 0);
        sim_at(w, w->now + NS_PER_S, on_fault, id, 0, NULL);
        return;
    default:
        return_queued(w, worker, 0);
        send_credit(w, worker, worker->slots + (uint32_t)rng_below(&w->rng, 20));
        sim_at(w, w->now + (int64_t)rng_below(&w->rng, 6000) * NS_PER_MS, on_fault, id, 0, NULL);
        return;
    }
}

static void on_heartbeat(struct world *w, uint64_t id, uint64_t b, void *data)
{
    struct sim_worker *worker = worker_of(w, id);
    (void)b;
    (void)data;
    if (!worker)
        return;
    if (!worker->cut)
        sim_event(w, &(struct event){.type = EV_WORKER_ALIVE, .worker = id});
    // A window that was closed by a fault opens again at the latest here.
    if (worker->window == 0 && !worker->cut)
        send_credit(w, worker, worker->slots);
    sim_at(w, w->now + NS_PER_S, on_heartbeat, id, 0, NULL);
}

static void on_join(struct world *w, uint64_t slot, uint64_t b, void *data)
{
    struct sim_worker *worker = &w->workers[slot];
    (void)b;
    (void)data;
    worker->id = ++w->next_worker;
    worker->slots = (uint32_t)(1 + rng_below(&w->rng, 4));
    worker->next_seq = 1;
    worker->in_at = worker->out_at = w->now;
    // Any worker can run any claim of the jobs once; how many times depends on the worker.
    struct msg_register reg = {.slots = worker->slots,
                               .resources = {.cpus = 1000ull * (worker->slots + 1),
                                             .gpus = 1000 + rng_below(&w->rng, 2000)}};
    sim_log(w, "worker %llu: joins with %u slots", (unsigned long long)worker->id, worker->slots);
    sim_event(w, &(struct event){.type = EV_WORKER_UP, .worker = worker->id, .reg = &reg});
    send_credit(w, worker, worker->slots * 2 + (uint32_t)rng_below(&w->rng, 10));
    on_heartbeat(w, worker->id, 0, NULL);
    if (w->now < SIM_FAULTS_END && rng_percent(&w->rng, 60))
        sim_at(w, w->now + (int64_t)rng_below(&w->rng, 8000) * NS_PER_MS, on_fault, worker->id, 0,
               NULL);
}

void workers_begin(struct world *w)
{
    uint64_t n = 1 + rng_below(&w->rng, SIM_WORKERS_MAX);
    for (uint64_t i = 0; i < n; i++)
        sim_at(w, (int64_t)rng_below(&w->rng, 1000) * NS_PER_MS, on_join, i, 0, NULL);
}
