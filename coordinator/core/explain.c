// Why the chunks of a job do not run, in words for a person.
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "coordinator/core/state.h"

struct teller {
    core_tell_fn *tell;
    void *arg;
    uint32_t step;
};

static void say(const struct teller *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void say(const struct teller *t, const char *fmt, ...)
{
    char text[PROTO_TEXT_MAX];
    va_list ap;
    int n = snprintf(text, sizeof(text), "step %u: ", t->step + 1);
    va_start(ap, fmt);
    vsnprintf(text + n, sizeof(text) - (size_t)n, fmt, ap);
    va_end(ap);
    t->tell(t->arg, t->step, text);
}

// Workers that could ever run a chunk of the step; of the others, why the last one can't.
static uint32_t count_able(const struct core *core, const struct core_step *step, char *why,
                           size_t size)
{
    uint32_t n = 0;
    for (const struct core_worker *w = core->workers; w; w = w->hh.next) {
        char lack[128];
        if (!resources_lack(&w->total, &step->claim, lack, sizeof(lack))) {
            n++;
            continue;
        }
        snprintf(why, size, "a chunk of it on worker %" PRIu64 " %s", w->id, lack);
    }
    return n;
}

static void explain_step(const struct core *core, const struct core_step *step,
                         const struct teller *t)
{
    const struct core_job *job = step->job;
    char why[160] = "";
    uint64_t pending = step->pending.n;
    uint32_t able = count_able(core, step, why, sizeof(why));
    uint32_t draining = 0;
    for (const struct core_worker *w = core->workers; w; w = w->hh.next)
        draining += w->draining;
    if (step->waiting)
        say(t, "%" PRIu64 " chunks wait for their next attempt", step->waiting);
    if (!core->workers)
        say(t, "no worker is connected");
    else if (able == 0)
        say(t, "no worker can ever run it: %s", why);
    else if (draining == core->stats.workers)
        say(t, "all workers are draining");
    else if (pending == 0 && step->leased == 0 && step->input_ended && step->held.n == 0)
        say(t, "all its chunks are over");
    else if (step->held.n > 0 && job->delivered >= job->credit_items)
        say(t, "%" PRIu64 " results wait for the consumer to take them", step->held.n);
    else if (pending > 0 && job->plan->parallelism && job->leased >= job->plan->parallelism)
        say(t, "%" PRIu64 " chunks wait: the job runs at most %u at once (parallelism)", pending,
            job->plan->parallelism);
    else if (pending > 0 && job->delivered >= job->credit_items)
        say(t, "%" PRIu64 " chunks wait for a consumer", pending);
    else if (pending > 0)
        say(t, "%" PRIu64 " chunks wait for a place on %u busy worker%s; %" PRIu64 " are at work",
            pending, able, able == 1 ? "" : "s", step->leased);
    else if (step->leased > 0)
        say(t, "%" PRIu64 " chunks are at work, none waits", step->leased);
    else if (step->number == 0)
        say(t, "its source has given nothing new");
    else
        say(t, "the step before has given nothing new");
}

int core_explain(const struct core *core, uint64_t id, core_tell_fn *tell, void *arg)
{
    const struct core_job *job = job_find(core, id);
    struct teller t = {.tell = tell, .arg = arg};
    if (!job)
        return -ENOENT;
    for (t.step = 0; t.step < job->n_steps; t.step++)
        explain_step(core, &job->steps[t.step], &t);
    return 0;
}

bool core_job_hopeless(const struct core *core, uint64_t id, char *ret, size_t size)
{
    const struct core_job *job = job_find(core, id);
    for (uint32_t i = 0; job && i < job->n_steps; i++) {
        char why[160] = "";
        const struct core_step *step = &job->steps[i];
        if (!core->workers || !step->claims || count_able(core, step, why, sizeof(why)) > 0)
            continue;
        snprintf(ret, size, "step %u can't run on any worker: %s", i + 1, why);
        return true;
    }
    return false;
}
