#include <errno.h>

#include "coordinator/core/place.h"

// The chunk as the worker has it, if it is nobody's now: pending since the worker was lost, in the
// attempt that it has, or in the one before if the core did not know that it had begun.
static struct chunk *find_free(const struct core_job *job, const struct core_worker *worker,
                               const struct msg_return *kept, uint64_t number)
{
    const struct core_step *step = &job->steps[kept->step];
    struct chunk *chunk = step_find(step, number);
    if (job->state != JOB_RUNNING || !kept->attempt || !chunk || chunk->state != CHUNK_PENDING ||
        (chunk->attempt != kept->attempt && chunk->attempt + 1 != kept->attempt))
        return NULL;
    if (step->claims && !resources_fit(&worker->total, &worker->claimed, &step->claim, 1))
        return NULL;
    return chunk;
}

static void adopt(struct core *core, struct core_worker *worker, struct chunk *chunk,
                  uint32_t attempt)
{
    struct core_job *job = chunk->step->job;
    // It was blamed for the loss of a worker that is not lost.
    if (chunk->attempt == attempt && chunk->crashes > 0 && chunk->ending.outcome == OUTCOME_CRASH) {
        chunk->crashes--;
        job->summary.retries--;
        core->stats.retries--;
    }
    chunk->attempt = attempt - 1;
    lease_put(core, worker, chunk);
}

static int discard(struct actions *actions, const struct core_worker *worker, uint64_t job,
                   const struct msg_return *kept, uint64_t first, uint32_t count)
{
    struct action *action = count ? action_add(actions, ACT_DISCARD, job, worker->id) : NULL;
    if (!action)
        return count ? -ENOMEM : 0;
    action->discard = *kept;
    action->discard.first = first;
    action->discard.count = count;
    return 0;
}

int core_keep(struct core *core, struct core_worker *worker, uint64_t id,
              const struct msg_return *kept, struct actions *actions)
{
    struct core_job *job = job_find(core, id);
    if (!job) {
        action_add(actions, ACT_FORGET, id, worker->id);
        return discard(actions, worker, id, kept, kept->first, kept->count);
    }
    if (kept->step >= job->n_steps)
        return -EINVAL;
    int error = 0;
    worker_learn_step(worker, id, kept->step, &error);
    uint32_t unwanted = 0; // chunks in a row, up to the one that is looked at
    for (uint32_t i = 0; i < kept->count && error == 0; i++) {
        struct chunk *chunk = find_free(job, worker, kept, kept->first + i);
        if (!chunk) {
            unwanted++;
            continue;
        }
        error = discard(actions, worker, id, kept, kept->first + i - unwanted, unwanted);
        unwanted = 0;
        adopt(core, worker, chunk, kept->attempt);
    }
    return error < 0
               ? error
               : discard(actions, worker, id, kept, kept->first + kept->count - unwanted, unwanted);
}
