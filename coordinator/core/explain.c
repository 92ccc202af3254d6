// Why the chunks of a job do not run, in words for a person.
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/clock.h"
#include "coordinator/core/place.h"

#define IDLER_NS (3 * NS_PER_S) // after which a worker that begins nothing is told

struct reasons {
    core_reason_fn *fn;
    void *arg;
    uint32_t step;
};

static void give(const struct reasons *r, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
static void give(const struct reasons *r, const char *fmt, ...)
{
    char text[PROTO_TEXT_MAX];
    va_list ap;
    int n = snprintf(text, sizeof(text), "step %u: ", r->step + 1);
    va_start(ap, fmt);
    vsnprintf(text + n, sizeof(text) - (size_t)n, fmt, ap);
    va_end(ap);
    r->fn(r->arg, r->step, text);
}

static void give_counted(const struct reasons *r, uint64_t n, const char *noun, const char *what)
{
    give(r, "%" PRIu64 " %s%s %s", n, noun, n == 1 ? "" : "s", what);
}

static bool all_draining(const struct core *core)
{
    for (const struct core_worker *w = core->workers; w; w = w->hh.next)
        if (!w->draining)
            return false;
    return true;
}

static void explain_pending(const struct core *core, const struct core_step *step, uint32_t able,
                            const struct reasons *r)
{
    const struct core_job *job = step->job;
    char what[CORE_LACK_MAX + 128], lack[CORE_LACK_MAX];
    uint32_t now = step_lack(core, step, true, lack, sizeof(lack));
    if (job->plan->parallelism && job->leased >= job->plan->parallelism)
        snprintf(what, sizeof(what), "waiting: the job runs at most %u at once (parallelism)",
                 job->plan->parallelism);
    else if (job->delivered >= job->credit_items)
        snprintf(what, sizeof(what), "waiting for a consumer");
    else if (now == 0 && step->claims)
        snprintf(what, sizeof(what), "waiting for resources of %u busy worker%s: %s", able,
                 able == 1 ? "" : "s", lack);
    else if (step->reserved)
        snprintf(what, sizeof(what), "waiting until worker %" PRIu64 ", kept free for them, is",
                 step->reserved->id);
    else
        snprintf(what, sizeof(what), "waiting for a slot on %u busy worker%s; %" PRIu64 " there",
                 able, able == 1 ? "" : "s", step->leased);
    give_counted(r, step->pending.n, "chunk", what);
    const struct core_step *first = core_first_want(core);
    if (first && first->job->plan->priority > job->plan->priority)
        give(r, "its priority is %d; job %" PRIu64 " has %d and comes first", job->plan->priority,
             first->job->id, first->job->plan->priority);
}

// Of a worker that has chunks and does nothing with them.
static void explain_idlers(const struct core *core, const struct core_step *step,
                           const struct reasons *r)
{
    for (const struct core_worker *w = core->workers; w; w = w->hh.next) {
        const struct chunk *first = TAILQ_FIRST(&w->leased.chunks);
        int64_t idle = core->now - w->active;
        if (first && !w->begun && first->step->job == step->job && idle >= IDLER_NS)
            give(r,
                 "worker %" PRIu64 " has had %" PRIu64 " chunk%s for %" PRId64
                 " s and begins none of them",
                 w->id, w->leased.n, w->leased.n == 1 ? "" : "s", idle / NS_PER_S);
    }
}

static void explain_asides(const struct core *core, const struct core_step *step,
                           const struct reasons *r)
{
    for (const struct core_worker *w = core->workers; w; w = w->hh.next) {
        const struct aside *a;
        LIST_FOREACH (a, &w->asides, entry)
            if (a->step == step && heap_holds(&a->again))
                give(r, "worker %" PRIu64 " is set aside for %" PRId64 " s: %s", w->id,
                     (a->again.deadline - core->now + NS_PER_S - 1) / NS_PER_S, a->text);
    }
    if (step_is_doubted(step))
        give_counted(r, step->unstarted, "chunk",
                     "could not be started and none ever was; no more begin until those that were "
                     "handed out have come back");
}

static void explain_step(const struct core *core, const struct core_step *step,
                         const struct reasons *r)
{
    const struct core_job *job = step->job;
    char why[CORE_LACK_MAX];
    uint32_t able = step_lack(core, step, false, why, sizeof(why));
    if (job->blocks) {
        give(r, job->blocks & BLOCK_HELD ? "the job is held (fanmill release lets it go on)"
                                         : "waiting for jobs that it needs");
        if (step->leased)
            give_counted(r, step->leased, "chunk", "still at workers");
        return;
    }
    if (step->waiting)
        give_counted(r, step->waiting, "chunk", "waiting for the next attempt");
    explain_asides(core, step, r);
    explain_idlers(core, step, r);
    if (!core->workers)
        give(r, "no worker is connected");
    else if (able == 0)
        give(r, "no worker can ever run it: %s", why);
    else if (all_draining(core))
        give(r, "all workers are draining");
    else if (step->pending.n == 0 && step->leased == 0 && step->input_ended && step->held.n == 0)
        give(r, "all chunks have finished");
    else if (step->held.n > 0 && job->delivered >= job->credit_items)
        give_counted(r, step->held.n, "result", "waiting for the consumer");
    else if (step->pending.n > 0)
        explain_pending(core, step, able, r);
    else if (step->leased > 0)
        give_counted(r, step->leased, "chunk",
                     step->input_ended ? "at workers, none waiting"
                                       : "at workers; more come as these end");
    else
        give(r, "%s has given nothing new", step->number == 0 ? "the source" : "the previous step");
}

static bool any_able(const struct core *core, const struct core_step *step)
{
    char why[CORE_LACK_MAX];
    return step_lack(core, step, false, why, sizeof(why)) > 0;
}

enum job_wait job_waits(const struct core *core, const struct core_job *job)
{
    bool pending = false, delayed = false, unread = false, input_ended = job->steps[0].input_ended;
    if (job->leased || job->state != JOB_RUNNING)
        return WAIT_NONE;
    if (job->blocks)
        return job->blocks & BLOCK_HELD ? WAIT_RELEASE : WAIT_NEEDS;
    if (!core->workers || all_draining(core))
        return WAIT_WORKER;
    for (uint32_t i = 0; i < job->n_steps; i++) {
        const struct core_step *step = &job->steps[i];
        if (step->pending.n && !any_able(core, step))
            return WAIT_WORKER;
        pending |= step->pending.n > 0;
        delayed |= step->waiting > 0;
        unread |= step->held.n > 0;
    }
    if (job->delivered >= job->credit_items && (pending || unread))
        return WAIT_CONSUMER;
    return pending ? WAIT_SLOT : delayed ? WAIT_RETRY : input_ended ? WAIT_NONE : WAIT_SOURCE;
}

int core_explain(const struct core *core, uint64_t id, core_reason_fn *fn, void *arg)
{
    const struct core_job *job = job_find(core, id);
    struct reasons r = {.fn = fn, .arg = arg};
    if (!job)
        return -ENOENT;
    for (; r.step < job->n_steps; r.step++)
        explain_step(core, &job->steps[r.step], &r);
    return 0;
}

bool core_job_hopeless(const struct core *core, uint64_t id, char *ret, size_t size)
{
    const struct core_job *job = job_find(core, id);
    for (uint32_t i = 0; job && i < job->n_steps; i++) {
        char why[CORE_LACK_MAX];
        const struct core_step *step = &job->steps[i];
        if (!core->workers || !(step->claims || step->spec->time_ns) ||
            step_lack(core, step, false, why, sizeof(why)) > 0)
            continue;
        snprintf(ret, size, "step %u can't run on any worker: %s", i + 1, why);
        return true;
    }
    return false;
}
