// Workers and their links: slots, queues, credit, numbered results, and everything that can happen
// to them. A link delays, but keeps its order; different links overtake each other.
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "workers.h"

struct sim_worker *worker_of(struct world *w, uint64_t id)
{
    for (int i = 0; i < SIM_WORKERS_MAX; i++)
        if (id && w->workers[i].id == id)
            return &w->workers[i];
    return NULL;
}

int64_t link_time(struct world *w, int64_t *last)
{
    int64_t at = w->now + (int64_t)(1 + rng_below(&w->rng, 3000)) * NS_PER_US;
    if (at <= *last)
        at = *last + 1;
    *last = at;
    return at;
}

void sim_chunk_free(struct sim_chunk *chunk)
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
        sim_chunk_free(chunk);
    }
    for (uint32_t i = 0; i < 8; i++)
        sim_chunk_free(worker->run[i]);
    memset(worker, 0, sizeof(*worker));
}

void workers_free(struct world *w)
{
    for (int i = 0; i < SIM_WORKERS_MAX; i++)
        worker_reset(&w->workers[i]);
}

void workers_expect_free(struct world *w, const struct sim_worker *worker,
                         const struct sim_chunk *chunk)
{
    for (const struct sim_worker *other = w->workers; other < w->workers + SIM_WORKERS_MAX;
         other++) {
        if (!other->id || other == worker || other->cut)
            continue;
        for (uint32_t slot = 0; slot < other->slots; slot++) {
            const struct sim_chunk *run = other->run[slot];
            if (run && run->job == chunk->job && run->step == chunk->step &&
                run->number == chunk->number)
                sim_fail(w, "chunk %llu of step %u is leased while worker %llu runs it",
                         (unsigned long long)chunk->number, chunk->step,
                         (unsigned long long)other->id);
        }
    }
}

static bool is_there(const struct sim_worker *worker)
{
    return worker->id && !worker->cut && worker->window > 0;
}

// Whether it waits at a worker that runs others, and any worker could run it.
static bool has_to_spare(struct world *w, const struct sim_worker *worker)
{
    for (const struct sim_chunk *chunk = worker->queue; chunk; chunk = chunk->next) {
        const struct sim_job *job = job_of(w, chunk->job);
        const struct step *step = &job->steps[chunk->step];
        if (step->cpus <= 1 && step->gpus == 0 && !job->cancelled && !job->may_fail &&
            !job->source_breaks && !job->is_blocked)
            return true;
    }
    return false;
}

void workers_check(struct world *w)
{
    uint64_t idle = w->dead_slots;
    int32_t least = INT32_MAX, most = INT32_MIN;
    for (unsigned i = 0; i < w->n_jobs; i++) {
        int32_t priority = w->jobs[i].plan.priority;
        least = priority < least ? priority : least;
        most = priority > most ? priority : most;
    }
    // What is urgent asks for more.
    if (least != most)
        w->recalls = 0;
    bool any_to_spare = false;
    for (const struct sim_worker *worker = w->workers; worker < w->workers + SIM_WORKERS_MAX;
         worker++) {
        struct core_worker_state state;
        if (!worker->id || core_worker_state(w->core, worker->id, w->now, &state) < 0)
            continue;
        uint64_t has = state.leased + state.running;
        idle += has < worker->slots ? worker->slots - has : 0;
        any_to_spare |= is_there(worker) && has_to_spare(w, worker);
    }
    if (w->recalls > idle)
        sim_fail(w, "%llu chunks are asked for, and %llu slots idle",
                 (unsigned long long)w->recalls, (unsigned long long)idle);
    bool idles = false;
    for (const struct sim_worker *worker = w->workers; worker < w->workers + SIM_WORKERS_MAX;
         worker++)
        idles |= is_there(worker) && worker->outstanding == 0 && !worker->lacks;
    if (!w->is_roomy || !idles || !any_to_spare)
        w->idles_since = 0;
    else if (!w->idles_since)
        w->idles_since = w->now;
    else if (w->now - w->idles_since > 3 * NS_PER_S)
        sim_fail(w, "a worker idles for three seconds while chunks wait at another one");
}

static void on_join(struct world *w, uint64_t slot, uint64_t b, void *data);

static void on_down(struct world *w, uint64_t id, uint64_t slots, void *data)
{
    (void)data;
    w->dead_slots -= slots;
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
    if (!worker || w->now >= SIM_FAULTS_END || (w->steady && worker == &w->workers[0]))
        return;
    switch (rng_below(&w->rng, 4)) {
    case 0:
        sim_log(w, "worker %llu: killed", (unsigned long long)id);
        w->dead_slots += worker->slots;
        sim_at(w, w->now + (int64_t)rng_below(&w->rng, 100) * NS_PER_MS, on_down, id, worker->slots,
               NULL);
        leave(w, worker);
        return;
    case 1:
        sim_log(w, "worker %llu: cut off", (unsigned long long)id);
        worker->cut = true;
        return;
    case 2:
        worker_send_credit(w, worker, 0);
        sim_at(w, w->now + NS_PER_S, on_fault, id, 0, NULL);
        return;
    default:
        worker_return_queued(w, worker, 0);
        worker_send_credit(w, worker, worker->slots + (uint32_t)rng_below(&w->rng, 20));
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
        worker_send_credit(w, worker, worker->slots);
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
    if (w->steady && slot > 0)
        worker->lacks = rng_next(&w->rng) & rng_next(&w->rng);
    sim_log(w, "worker %llu: joins with %u slots", (unsigned long long)worker->id, worker->slots);
    sim_event(w, &(struct event){.type = EV_WORKER_UP, .worker = worker->id, .reg = &reg});
    worker_send_credit(w, worker, worker->slots * 2 + (uint32_t)rng_below(&w->rng, 10));
    on_heartbeat(w, worker->id, 0, NULL);
    if (w->now < SIM_FAULTS_END && rng_percent(&w->rng, 60))
        sim_at(w, w->now + (int64_t)rng_below(&w->rng, 8000) * NS_PER_MS, on_fault, worker->id, 0,
               NULL);
}

void workers_begin(struct world *w)
{
    uint64_t n = 1 + rng_below(&w->rng, SIM_WORKERS_MAX);
    w->steady = rng_percent(&w->rng, 30);
    if (w->steady)
        on_join(w, 0, 0, NULL);
    for (uint64_t i = w->steady; i < n; i++)
        sim_at(w, (int64_t)rng_below(&w->rng, 1000) * NS_PER_MS, on_join, i, 0, NULL);
}
