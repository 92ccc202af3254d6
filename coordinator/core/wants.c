// Which steps have chunks that may be leased now, in the order in which they get workers: the job
// of the highest priority first, of equal ones that with the fewest leases. What a turn costs does
// not grow with jobs in which nothing has happened, nor with those that no worker has room for.
//
// Steps that ask the same of a worker share a shape. Only the first step of each shape is looked
// at: if it does not fit, the others don't either.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "coordinator/core/place.h"

#define RANK_LEASES_MAX ((INT64_C(1) << 44) - 1)

void job_untouch(struct core *core, struct core_job *job)
{
    if (job->is_touched)
        TAILQ_REMOVE(&core->touched, job, in_touched);
    job->is_touched = false;
}

void core_touch_all(struct core *core)
{
    for (struct core_job *job = core->jobs; job; job = job->hh.next)
        job_touch(core, job);
}

static bool same_shape(const struct shape *shape, const struct core_step *step)
{
    const struct resources *a = &shape->claim, *b = &step->claim;
    if (shape->time_ns != step->spec->time_ns || shape->claims != step->claims ||
        a->cpus != b->cpus || a->memory_bytes != b->memory_bytes || a->gpus != b->gpus ||
        a->n_labels != b->n_labels)
        return false;
    for (uint32_t i = 0; i < a->n_labels; i++)
        if (strcmp(a->labels[i].name, b->labels[i].name) != 0 ||
            a->labels[i].milli != b->labels[i].milli)
            return false;
    return true;
}

int step_take_shape(struct core *core, struct core_step *step)
{
    struct shape *shape;
    TAILQ_FOREACH (shape, &core->shapes, in_shapes)
        if (same_shape(shape, step))
            break;
    if (!shape) {
        shape = calloc(1, sizeof(*shape));
        if (!shape)
            return -ENOMEM;
        shape->claim = step->claim;
        shape->claims = step->claims;
        shape->time_ns = step->spec->time_ns;
        heap_init(&shape->steps);
        TAILQ_INSERT_TAIL(&core->shapes, shape, in_shapes);
    }
    shape->refs++;
    step->shape = shape;
    return 0;
}

static void want_no_more(struct core *core, struct core_step *step)
{
    if (!heap_holds(&step->want))
        return;
    heap_remove(&step->shape->steps, &step->want);
    core->ready -= step->ready;
    step->ready = 0;
    core->wanting -= --step->job->n_wanting == 0;
}

void step_drop_shape(struct core *core, struct core_step *step)
{
    struct shape *shape = step->shape;
    if (!shape)
        return;
    want_no_more(core, step);
    step_unreserve(step);
    step->shape = NULL;
    if (--shape->refs)
        return;
    TAILQ_REMOVE(&core->shapes, shape, in_shapes);
    heap_done(&shape->steps);
    free(shape);
}

// Smaller is first. Later steps of a job come before earlier ones: they make room.
static int64_t rank(const struct core_step *step)
{
    const struct core_job *job = step->job;
    int64_t leases =
        job->leased < (uint64_t)RANK_LEASES_MAX >> 6 ? (int64_t)job->leased : RANK_LEASES_MAX >> 6;
    int64_t place = PLAN_STEPS_MAX - 1 - (int64_t)step->number;
    return (int64_t)(PLAN_PRIORITY_MAX - job->plan->priority) << 45 | leases << 6 | place;
}

void step_settle(struct core *core, struct core_step *step)
{
    struct core_job *job = step->job;
    uint32_t cap = job->plan->parallelism;
    bool wants = job->state == JOB_RUNNING && !job->blocks && !(cap && job->leased >= cap) &&
                 step_can_lease(core, step);
    if (!wants) {
        want_no_more(core, step);
        step_unreserve(step);
        return;
    }
    int64_t now = rank(step);
    bool is_new = !heap_holds(&step->want);
    if (is_new || step->want.deadline != now) {
        heap_remove(&step->shape->steps, &step->want);
        int r = heap_push(&step->shape->steps, &step->want, now);
        if (r < 0) { // it has room for what it held
            job_touch(core, job);
            return;
        }
    }
    if (is_new) {
        step->wanting_since = core->now;
        core->wanting += job->n_wanting++ == 0;
    }
    core->ready += step->pending.n - step->ready;
    step->ready = step->pending.n;
}

void job_settle(struct core *core, struct core_job *job)
{
    for (uint32_t i = 0; i < job->n_steps; i++)
        step_settle(core, &job->steps[i]);
}

// The better of two; NULL is none.
static struct core_step *better(struct core_step *a, struct core_step *b)
{
    if (!a || !b)
        return a ? a : b;
    return b->want.deadline < a->want.deadline ? b : a;
}

static struct core_step *first_of(const struct shape *shape)
{
    struct heap_node *node = heap_first(&shape->steps);
    return node ? container_of(node, struct core_step, want) : NULL;
}

struct core_step *core_first_want(const struct core *core)
{
    struct core_step *best = NULL;
    const struct shape *shape;
    TAILQ_FOREACH (shape, &core->shapes, in_shapes)
        best = better(best, first_of(shape));
    return best;
}

// A worker that is set aside for the first one may start others.
static struct core_step *first_startable(const struct shape *shape,
                                         const struct core_worker *worker)
{
    struct core_step *best = first_of(shape);
    if (!best || worker_may_start(worker, best))
        return best;
    best = NULL;
    for (size_t i = 0; i < shape->steps.len; i++) {
        struct core_step *step = container_of(shape->steps.nodes[i], struct core_step, want);
        if (worker_may_start(worker, step))
            best = better(best, step);
    }
    return best;
}

struct core_step *worker_first_want(const struct core *core, const struct core_worker *worker)
{
    struct core_step *best = NULL;
    const struct shape *shape;
    if (worker->kept_for) {
        best = worker->kept_for;
        return heap_holds(&best->want) && worker_can_take(core, worker, best) ? best : NULL;
    }
    TAILQ_FOREACH (shape, &core->shapes, in_shapes) {
        struct core_step *step = first_startable(shape, worker);
        if (step && (!best || step->want.deadline < best->want.deadline) &&
            worker_can_take(core, worker, step))
            best = step;
    }
    return best;
}

void step_set_aside(struct core_step *step)
{
    heap_remove(&step->shape->steps, &step->want);
}

void step_put_back(struct core_step *step)
{
    // It has room for what it held a moment ago.
    heap_push(&step->shape->steps, &step->want, step->want.deadline);
}

// ---- places kept for what small chunks would keep out for ever

void step_unreserve(struct core_step *step)
{
    if (!step->reserved)
        return;
    step->reserved->kept_for = NULL;
    step->reserved = NULL;
}

static bool could_ever(const struct core *core, const struct core_worker *worker,
                       const struct core_step *step)
{
    static const struct resources nothing;
    return !worker->draining && worker->window_items && !worker->kept_for &&
           resources_fit(&worker->total, &nothing, &step->claim, 1) == 1 &&
           worker_lasts(core, worker, step);
}

// The one that will soonest have nothing else.
static void reserve(struct core *core, struct core_step *step)
{
    struct core_worker *best = NULL;
    for (struct core_worker *w = core->workers; w; w = w->hh.next)
        if (could_ever(core, w, step) && (!best || w->leased.n < best->leased.n))
            best = w;
    if (!best)
        return;
    best->kept_for = step;
    step->reserved = best;
}

void core_reserve(struct core *core)
{
    const struct shape *shape;
    core->reserve_at = CLOCK_FOREVER;
    TAILQ_FOREACH (shape, &core->shapes, in_shapes) {
        struct core_step *step = first_of(shape);
        if (!step || step->reserved || !core->workers)
            continue;
        bool is_large = TAILQ_FIRST(&step->pending.chunks)->payload.len > CORE_LEASE_BYTES;
        if (!step->claims && !is_large && !step->is_kept_out)
            continue;
        int64_t due = clock_after(step->wanting_since, CORE_RESERVE_NS);
        if (due <= core->now)
            reserve(core, step);
        else if (due < core->reserve_at)
            core->reserve_at = due;
    }
}
