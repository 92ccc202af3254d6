// How far jobs and workers are, in numbers.
#include <errno.h>

#include "coordinator/core/place.h"

int core_job_progress(const struct core *core, uint64_t id, struct core_progress *ret)
{
    const struct core_job *job = job_find(core, id);
    if (!job)
        return -ENOENT;
    *ret = (struct core_progress){.summary = job->summary,
                                  .leased = job->leased - job->begun,
                                  .running = job->begun,
                                  .waits = job_waits(core, job)};
    for (uint32_t i = 0; i < job->n_steps; i++) {
        ret->waiting += job->steps[i].pending.n + job->steps[i].waiting;
        ret->summary.ok += job->steps[i].passing;
    }
    return 0;
}

int core_job_running(const struct core *core, uint64_t id, core_running_fn *fn, void *arg)
{
    const struct core_job *job = job_find(core, id);
    if (!job)
        return -ENOENT;
    for (const struct core_worker *w = core->workers; w && job->begun; w = w->hh.next) {
        const struct chunk *chunk;
        TAILQ_FOREACH (chunk, &w->leased.chunks, in_queue) {
            if (!chunk->began || chunk->step->job != job)
                continue;
            bool is_item = chunk->kind == RUN_BYTES && chunk->items == 1;
            fn(arg, &(struct core_running){.chunk = chunk->number,
                                           .step = chunk->step->number,
                                           .attempt = chunk->attempt,
                                           .worker = w->id,
                                           .began = chunk->began,
                                           .item_first = chunk->item_first,
                                           .items = chunk->items,
                                           .item = is_item ? chunk->payload : (struct slice){0}});
        }
    }
    return 0;
}

int core_worker_state(const struct core *core, uint64_t id, int64_t now,
                      struct core_worker_state *ret)
{
    const struct core_worker *worker = worker_find(core, id);
    if (!worker)
        return -ENOENT;
    bool is_idle = worker->leased.n && !worker->begun;
    *ret = (struct core_worker_state){.leased = worker->leased.n - worker->begun,
                                      .running = worker->begun,
                                      .idle_ns = is_idle ? now - worker->active : 0};
    return 0;
}
