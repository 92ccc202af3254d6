// Chunks that could not be started (126, 127): is it the worker, the chunk, or the step? Another
// worker tries first, and the one that could not is set aside for the step. What no other worker is
// left for is the chunk's own failure. A step of which nothing was ever started ends its job.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/container.h"
#include "coordinator/core/place.h"

static struct aside *find(const struct core_worker *worker, const struct core_step *step)
{
    struct aside *a;
    LIST_FOREACH (a, &worker->asides, entry)
        if (a->step == step)
            return a;
    return NULL;
}

static void put_back(struct core *core, struct aside *a)
{
    if (heap_holds(&a->again))
        heap_remove(&core->asides, &a->again);
}

static void aside_free(struct core *core, struct aside *a)
{
    put_back(core, a);
    LIST_REMOVE(a, entry);
    free(a);
}

bool worker_may_start(const struct core_worker *worker, const struct core_step *step)
{
    const struct aside *a = LIST_EMPTY(&worker->asides) ? NULL : find(worker, step);
    return !a || (!heap_holds(&a->again) && !a->trying);
}

uint32_t aside_limit(const struct core_worker *worker, const struct core_step *step, uint32_t max)
{
    return !LIST_EMPTY(&worker->asides) && find(worker, step) ? 1 : max;
}

void aside_leased(struct core_worker *worker, const struct core_step *step, bool leased)
{
    struct aside *a = LIST_EMPTY(&worker->asides) ? NULL : find(worker, step);
    if (a)
        a->trying = leased;
}

// Whether another worker could start a chunk of the step, as far as is known.
static bool has_other(const struct core *core, const struct core_worker *worker,
                      const struct core_step *step)
{
    for (const struct core_worker *w = core->workers; w; w = w->hh.next) {
        const struct aside *a = find(w, step);
        if (w != worker && !w->draining && !(a && heap_holds(&a->again)) &&
            !resources_lack(&w->total, &step->claim, NULL, 0))
            return true;
    }
    return false;
}

static void set_aside(struct core *core, struct core_worker *worker, const struct chunk *chunk,
                      struct actions *actions)
{
    struct core_step *step = chunk->step;
    struct aside *a = find(worker, step);
    if (a && heap_holds(&a->again))
        return; // leased before it was set aside
    if (!a) {
        a = calloc(1, sizeof(*a));
        if (!a)
            return; // it is asked again
        a->step = step;
        a->worker = worker;
        LIST_INSERT_HEAD(&worker->asides, a, entry);
    }
    int64_t wait =
        CORE_ASIDE_NS << (a->times < CORE_ASIDE_DOUBLE_MAX ? a->times : CORE_ASIDE_DOUBLE_MAX);
    a->times++;
    a->chunk = chunk->number;
    snprintf(a->text, sizeof(a->text), "%s", chunk->error ? chunk->error : "");
    if (heap_push(&core->asides, &a->again, clock_after(core->now, wait)) < 0) {
        aside_free(core, a);
        return;
    }
    struct action_aside *told = malloc(sizeof(*told));
    struct action *action = told ? action_add(actions, ACT_ASIDE, step->job->id, worker->id) : NULL;
    if (!action) {
        free(told);
        return; // only the log misses it
    }
    *told = (struct action_aside){.step = step->number, .wait_ns = wait};
    snprintf(told->text, sizeof(told->text), "%s", a->text);
    action->aside = told;
}

// Several workers could not start it, and others of its step are started well: it was the chunk.
static void clear_of(struct core *core, const struct chunk *chunk)
{
    for (struct core_worker *w = core->workers; w; w = w->hh.next) {
        struct aside *a = find(w, chunk->step);
        if (a && a->chunk == chunk->number)
            aside_free(core, a);
    }
}

bool chunk_try_elsewhere(struct core *core, struct chunk *chunk, struct core_worker *worker,
                         struct actions *actions)
{
    struct core_step *step = chunk->step;
    chunk->refused = true;
    chunk->refusals += worker_has_started(worker, step->job->id, step->number);
    if (has_other(core, worker, step) && chunk->refusals < CORE_REFUSALS_MAX) {
        set_aside(core, worker, chunk, actions);
        chunk_drop_result(chunk);
        chunk_make_pending(core, chunk);
        return true;
    }
    if (chunk->refusals == CORE_REFUSALS_MAX || (chunk->refusals && step->started))
        clear_of(core, chunk);
    step->unstarted++;
    return false;
}

// The chunk that the worker could not start has not been tried by another one yet.
static bool is_open(const struct core_step *step, uint64_t number)
{
    const struct chunk *chunk = step_find(step, number);
    return chunk && chunk->refused && chunk->state != CHUNK_HELD;
}

void step_was_started(struct core *core, struct core_step *step, struct core_worker *worker)
{
    struct aside *a = LIST_EMPTY(&worker->asides) ? NULL : find(worker, step);
    // Results come in bunches: what is known already is not looked up for each.
    if (step->started_by == worker->id && LIST_EMPTY(&worker->asides))
        return;
    step->started_by = worker->id;
    step->started = true;
    worker_note_start(worker, step->job->id, step->number);
    if (a && !(heap_holds(&a->again) && is_open(step, a->chunk)))
        aside_free(core, a);
}

bool step_is_doubted(const struct core_step *step)
{
    return !step->started && step->unstarted >= CORE_UNSTARTED_MAX;
}

void step_judge(struct core *core, struct core_step *step, struct actions *actions)
{
    struct core_job *job = step->job;
    if (step_is_doubted(step) && step->leased == 0 && job->state == JOB_RUNNING)
        job_wind_down(core, job, FATE_NOT_RUNNABLE, CANCEL_RUNNING, actions);
}

void asides_tick(struct core *core)
{
    struct heap_node *node;
    while ((node = heap_first(&core->asides)) && node->deadline <= core->now)
        put_back(core, container_of(node, struct aside, again));
}

void asides_forget(struct core *core, struct core_worker *worker, const struct core_job *job)
{
    struct aside *next;
    for (struct aside *a = LIST_FIRST(&worker->asides); a; a = next) {
        next = LIST_NEXT(a, entry);
        if (!job || a->step->job == job)
            aside_free(core, a);
    }
}
