// What a worker gets from the core: steps, leases, cancels.
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "pipelines/frame.h"
#include "workers.h"

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
            sim_chunk_free(chunk);
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
    worker_start_runs(w, worker);
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

// NULL: it died, and the core does not know yet.
static void receive_lease(struct world *w, struct sim_worker *worker, const struct action *action)
{
    struct lease lease = action->lease.lease;
    struct sim_job *job = job_of(w, action->job);
    struct sim_chunk *list = NULL, **end = &list;
    size_t at = 0;
    if (job->is_blocked)
        sim_fail(w, "a chunk of a job that may not start is leased");
    lease.lens = action->lease.lens;
    lease.body = action->lease.body.data;
    if (worker && !(worker->known[job->id - 1] & (1u << lease.step)))
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
        job_remember(w, job, lease.step, chunk);
        workers_expect_free(w, worker, chunk);
        if (!worker) {
            sim_chunk_free(chunk);
            continue;
        }
        *end = chunk;
        end = &chunk->next;
    }
    if (at != lease.body_len)
        sim_fail(w, "a lease's lengths don't add up");
    if (!worker)
        return;
    struct sim_chunk **box = malloc(sizeof(*box));
    if (!box)
        abort();
    *box = list;
    sim_at(w, link_time(w, &worker->out_at), on_leases, worker->id, 0, box);
}

static void on_return(struct world *w, uint64_t id, uint64_t job, void *data)
{
    if (!worker_arrives(w, id))
        return;
    struct event event = {.type = EV_RETURN, .worker = id, .job = job};
    event.back = *(struct msg_return *)data;
    if (sim_event(w, &event) == 0)
        job_returned(job_of(w, job), &event.back);
}

static void give_back(struct world *w, struct sim_worker *worker, struct sim_chunk *chunk)
{
    struct msg_return *back = malloc(sizeof(*back));
    if (!back)
        abort();
    *back = (struct msg_return){chunk->job, chunk->step, chunk->attempt, chunk->number, 1};
    worker->outstanding--;
    sim_at(w, link_time(w, &worker->in_at), on_return, worker->id, chunk->job, back);
    sim_chunk_free(chunk);
}

void worker_return_queued(struct world *w, struct sim_worker *worker, uint64_t job)
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
        give_back(w, worker, chunk);
    }
}

static bool is_asked_for(const struct msg_return *run, const struct sim_chunk *chunk)
{
    return chunk->job == run->job && chunk->step == run->step && chunk->attempt == run->attempt &&
           chunk->number >= run->first && chunk->number - run->first < run->count;
}

static void on_recall(struct world *w, uint64_t id, uint64_t b, void *data)
{
    struct sim_worker *worker = worker_of(w, id);
    const struct msg_return *run = data;
    (void)b;
    if (!worker)
        return;
    struct sim_chunk **at = &worker->queue;
    worker->queue_last = NULL;
    while (*at) {
        struct sim_chunk *chunk = *at;
        if (!is_asked_for(run, chunk)) {
            worker->queue_last = chunk;
            at = &chunk->next;
            continue;
        }
        *at = chunk->next;
        give_back(w, worker, chunk);
    }
    for (uint32_t slot = 0; slot < worker->slots; slot++)
        if (worker->run[slot] && is_asked_for(run, worker->run[slot]))
            worker_send_begun(w, worker, slot);
}

static void receive_recall(struct world *w, struct sim_worker *worker, const struct action *action)
{
    struct msg_return *run = malloc(sizeof(*run));
    if (!run)
        abort();
    *run = action->recall;
    sim_at(w, link_time(w, &worker->out_at), on_recall, worker->id, 0, run);
}

static void on_cancel(struct world *w, uint64_t id, uint64_t job_mode, void *data)
{
    struct sim_worker *worker = worker_of(w, id);
    uint64_t job = job_mode >> 8;
    (void)data;
    if (!worker)
        return;
    worker_return_queued(w, worker, job);
    if ((job_mode & 0xff) == CANCEL_QUEUED)
        return;
    for (uint32_t slot = 0; slot < worker->slots; slot++) {
        struct sim_chunk *chunk = worker->run[slot];
        if (!chunk || chunk->job != job)
            continue;
        worker->run[slot] = NULL;
        worker->running--;
        worker_send_final(w, worker, chunk, OUTCOME_CANCELLED);
        sim_chunk_free(chunk);
    }
    worker_start_runs(w, worker);
}

void worker_receive(struct world *w, const struct action *action)
{
    struct sim_worker *worker = worker_of(w, action->worker);
    if (action->type == ACT_LEASE)
        receive_lease(w, worker, action);
    if (!worker)
        return;
    switch (action->type) {
    case ACT_STEP:
        worker->known[action->job - 1] |= 1u << action->step;
        break;
    case ACT_RECALL:
        receive_recall(w, worker, action);
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
