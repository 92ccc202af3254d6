// Which pending chunk goes to which worker. First every worker gets work for its slots, then their
// windows are filled, evenly as long as the work does not suffice for all.
#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "coordinator/core/place.h"

#define JOBS_AHEAD 16u // jobs that share what one worker gets ahead of its slots
#define ASIDE_MAX 8u   // steps with large payloads that a worker is not looked at for

static bool continues(const struct chunk *last, const struct chunk *next)
{
    if (next->number != last->number + 1 || next->attempt != last->attempt ||
        next->kind != last->kind || next->items_per_chunk != last->items_per_chunk ||
        last->items != last->items_per_chunk || next->item_first != last->item_first + last->items)
        return false;
    return (!next->payload.len && !last->payload.len) ||
           (next->payload.slab == last->payload.slab &&
            next->payload.data == last->payload.data + last->payload.len);
}

// How many chunks from the head of `pending` one lease can hold, and their payload.
static uint32_t measure_run(const struct queue *pending, uint32_t max, uint64_t max_bytes,
                            uint64_t *ret_bytes)
{
    const struct chunk *last = TAILQ_FIRST(&pending->chunks);
    uint64_t bytes = last->payload.len;
    uint32_t n = 1;
    const struct chunk *next;
    while (n < max && (next = TAILQ_NEXT(last, in_queue)) && continues(last, next) &&
           bytes + next->payload.len <= max_bytes) {
        last = next;
        bytes += last->payload.len;
        n++;
    }
    *ret_bytes = bytes;
    return n;
}

static bool step_over_budget(const struct core *core, const struct core_step *step)
{
    return step->held_bytes >= step_held_max(core, step);
}

// Chunks of the last step that may begin, so that no more run or wait than the consumer is ready to
// take. Earlier steps are bounded by their windows.
static uint64_t consumer_room(const struct core_step *step)
{
    const struct core_job *job = step->job;
    if (!step_gives_results(step))
        return UINT64_MAX;
    // A chunk that waits for its next attempt keeps its place: otherwise later ones could use up
    // the credit and it would never run.
    uint64_t used = job->delivered + step->leased + step->held.n + step->waiting;
    return job->credit_items > used ? job->credit_items - used : 0;
}

bool step_can_lease(const struct core *core, const struct core_step *step)
{
    // With the memory for results used up, one chunk at a time keeps the order moving.
    return TAILQ_FIRST(&step->pending.chunks) && consumer_room(step) > 0 &&
           !step_is_doubted(step) && (!step_over_budget(core, step) || step->leased == 0);
}

bool worker_lasts(const struct core *core, const struct core_worker *worker,
                  const struct core_step *step)
{
    return !worker->ends || !step->spec->time_ns ||
           clock_after(core->now, step->spec->time_ns) <= worker->ends;
}

bool worker_can_take(const struct core *core, const struct core_worker *worker,
                     const struct core_step *step)
{
    if (worker->kept_for && worker->kept_for != step)
        return false;
    return worker_lasts(core, worker, step) && worker_may_start(worker, step) &&
           (!step->claims || resources_fit(&worker->total, &worker->claimed, &step->claim, 1));
}

bool worker_could_take(const struct core *core, const struct core_worker *worker,
                       const struct chunk *chunk)
{
    const struct core_job *job = chunk->step->job;
    return job->state == JOB_RUNNING && !job->blocks &&
           worker_can_take(core, worker, chunk->step) && !step_over_budget(core, chunk->step) &&
           (!worker->leased.n || worker->leased_bytes + chunk->payload.len <= worker->window_bytes);
}

void lease_put(struct core *core, struct core_worker *worker, struct chunk *chunk)
{
    struct core_step *step = chunk->step;
    chunk_unqueue(core, chunk);
    chunk->state = CHUNK_LEASED;
    chunk->attempt++;
    chunk->worker = worker;
    chunk->worker_id = worker->id;
    chunk->leased_at = core->now;
    if (!worker->leased.n)
        worker->active = core->now;
    queue_push(&worker->leased, chunk);
    aside_leased(worker, step, true);
    if (step->claims)
        resources_add(&worker->claimed, &step->claim, 1);
    worker->leased_bytes += chunk->payload.len;
    step->leased++;
    step->job->leased++;
    core->stats.leased++;
}

// Leases up to `max` chunks of the step's head. Returns how many, 0 when the worker's byte window
// is full, -ENOMEM.
static int lease_run(struct core *core, struct core_worker *worker, struct core_step *step,
                     uint32_t max, struct actions *actions)
{
    struct core_job *job = step->job;
    uint32_t cap = job->plan->parallelism;
    if (cap && max > cap - job->leased)
        max = (uint32_t)(cap - job->leased);
    if (step_over_budget(core, step))
        max = 1;
    if (step->claims)
        max = resources_fit(&worker->total, &worker->claimed, &step->claim, max);
    max = aside_limit(worker, step, max);
    if (max > consumer_room(step))
        max = (uint32_t)consumer_room(step);
    if (max > PROTO_RUN_CHUNKS_MAX)
        max = PROTO_RUN_CHUNKS_MAX;
    uint64_t budget = worker->window_bytes > worker->leased_bytes
                          ? worker->window_bytes - worker->leased_bytes
                          : 0;
    if (worker->leased.n > 0 && TAILQ_FIRST(&step->pending.chunks)->payload.len > budget)
        return 0;
    uint64_t bytes;
    uint32_t n = measure_run(&step->pending, max,
                             budget < CORE_LEASE_BYTES ? budget : CORE_LEASE_BYTES, &bytes);
    struct chunk *first = TAILQ_FIRST(&step->pending.chunks);
    _free_ uint32_t *lens = NULL;
    if (first->kind != RUN_RANGE) {
        lens = malloc(n * sizeof(*lens));
        if (!lens)
            return -ENOMEM;
    }
    int error;
    if (worker_learn_step(worker, job->id, step->number, &error)) {
        struct action *define = action_add(actions, ACT_STEP, job->id, worker->id);
        if (!define)
            return -ENOMEM;
        define->step = step->number;
    }
    struct action *action = error < 0 ? NULL : action_add(actions, ACT_LEASE, job->id, worker->id);
    if (!action)
        return -ENOMEM;
    struct lease *lease = &action->lease.lease;
    *lease = (struct lease){.job = job->id,
                            .step = step->number,
                            .attempt = first->attempt + 1,
                            .first = first->number,
                            .count = n,
                            .kind = first->kind,
                            .item_first = first->item_first,
                            .items_per_chunk = first->items_per_chunk,
                            .lens = lens,
                            .body = first->payload.data,
                            .body_len = bytes};
    action->lease.body = first->payload.slab ? slice_ref(&first->payload) : (struct slice){0};
    action->lease.body.len = bytes;
    for (uint32_t i = 0; i < n; i++) {
        struct chunk *chunk = TAILQ_FIRST(&step->pending.chunks);
        if (lens)
            lens[i] = (uint32_t)chunk->payload.len;
        lease->item_end = chunk->item_first + chunk->items;
        lease_put(core, worker, chunk);
    }
    action->lease.lens = take(lens);
    return (int)n;
}

static uint32_t worker_room(const struct core_worker *worker, uint32_t limit)
{
    if (worker->draining || worker->window_items == 0)
        return 0;
    if (limit > worker->window_items)
        limit = worker->window_items;
    return worker->leased.n < limit ? limit - (uint32_t)worker->leased.n : 0;
}

// Fills one worker up to `room` chunks. A job gets `least` at once, as far as there is room. False
// when nothing is left to lease.
static bool fill_worker(struct core *core, struct core_worker *worker, uint32_t room,
                        uint32_t least, struct actions *actions)
{
    struct core_step *aside[ASIDE_MAX];
    size_t n_aside = 0;
    while (room > 0 && core->ready > 0) {
        struct core_step *step = worker_first_want(core, worker);
        if (!step)
            break;
        uint32_t jobs = core->wanting;
        uint32_t quantum = jobs > 1 ? (room + jobs - 1) / jobs : room;
        if (quantum < least)
            quantum = least < room ? least : room;
        int n = lease_run(core, worker, step, quantum, actions);
        if (n > 0) {
            room -= (uint32_t)n;
            step->wanting_since = core->now;
            step->is_kept_out = false;
            step_unreserve(step);
            job_settle(core, step->job);
            continue;
        }
        // Its payload is too large beside what the worker has; others are not.
        step->is_kept_out = true;
        if (n < 0 || n_aside == ASIDE_MAX)
            break;
        step_set_aside(step);
        aside[n_aside++] = step;
    }
    while (n_aside > 0)
        step_put_back(aside[--n_aside]);
    return core->ready > 0;
}

void core_schedule(struct core *core, struct actions *actions)
{
    if (!core->ready)
        return;
    uint32_t with_room = 0;
    for (struct core_worker *w = core->workers; w; w = w->hh.next) {
        if (!fill_worker(core, w, worker_room(w, w->slots), 1, actions))
            return;
        if (worker_room(w, UINT32_MAX) > 0)
            with_room++;
    }
    for (struct core_worker *w = core->workers; w && with_room > 0; w = w->hh.next) {
        uint32_t room = worker_room(w, UINT32_MAX);
        if (!room)
            continue;
        uint64_t share = (core->ready + with_room - 1) / with_room;
        with_room--;
        if (share < room)
            room = (uint32_t)share;
        // Ahead of the slots a few jobs do: a lease of each of thousands would cost more than it
        // is worth.
        if (!fill_worker(core, w, room, (room + JOBS_AHEAD - 1) / JOBS_AHEAD, actions))
            return;
    }
}
