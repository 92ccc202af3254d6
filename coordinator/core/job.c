#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "coordinator/core/place.h"

struct core_job *job_find(const struct core *core, uint64_t id)
{
    struct core_job *job = NULL;
    HASH_FIND(hh, core->jobs, &id, sizeof(id), job);
    return job;
}

static struct cutter_rule cut_rule(const struct step *spec)
{
    bool is_pipe = spec->stages[0].kind == STAGE_PIPE;
    switch (spec->chunking.rule) {
    case CHUNK_LINES:
        return (struct cutter_rule){.as_items = !is_pipe, .items = spec->chunking.n, .end = '\n'};
    case CHUNK_BYTES:
        return (struct cutter_rule){.bytes = spec->chunking.n, .end = '\n'};
    default:
        return (struct cutter_rule){.bytes = CORE_RECUT_BYTES, .end = '\n'};
    }
}

int job_submit(struct core *core, uint64_t id, const struct plan *plan, uint32_t blocks)
{
    if (job_find(core, id) || plan->n_steps < 1 || plan->n_steps > PLAN_STEPS_MAX)
        return -EINVAL;
    struct core_job *job = calloc(1, sizeof(*job));
    if (!job)
        return -ENOMEM;
    job->steps = calloc(plan->n_steps, sizeof(*job->steps));
    if (!job->steps) {
        free(job);
        return -ENOMEM;
    }
    int r = 0;
    job->id = id;
    job->blocks = blocks;
    job->plan = plan;
    job->n_steps = (uint32_t)plan->n_steps;
    for (uint32_t i = 0; i < job->n_steps; i++) {
        struct core_step *step = &job->steps[i];
        step->job = job;
        step->number = i;
        step->spec = &plan->steps[i];
        TAILQ_INIT(&step->line);
        queue_init(&step->pending);
        queue_init(&step->held);
        struct cutter_rule rule = cut_rule(step->spec);
        cutter_init(&step->cutter, &rule);
        buf_init(&step->inputs, PROTO_BODY_MAX);
        step_set_claim(step);
        r = r == 0 ? step_take_shape(core, step) : r;
    }
    HASH_ADD(hh, core->jobs, id, sizeof(job->id), job);
    core->n_prioritized += plan->priority != 0;
    job_touch(core, job);
    if (r < 0)
        job_free(core, job);
    return r;
}

static void drop_chunks(struct core *core, struct line *line)
{
    while (!TAILQ_EMPTY(line))
        chunk_free(core, TAILQ_FIRST(line));
}

void job_free(struct core *core, struct core_job *job)
{
    for (struct core_worker *w = core->workers; w; w = w->hh.next)
        asides_forget(core, w, job);
    HASH_DELETE(hh, core->jobs, job);
    core->n_prioritized -= job->plan->priority != 0;
    for (uint32_t i = 0; i < job->n_steps; i++) {
        struct core_step *step = &job->steps[i];
        step_drop_shape(core, step);
        drop_chunks(core, &step->line);
        for (uint32_t l = 0; l < step->n_levels; l++)
            drop_chunks(core, &step->levels[l].line);
        step_drop_inputs(step);
        reduce_done(step);
        cutter_done(&step->cutter);
        buf_done(&step->inputs);
        free(step->index.slots);
    }
    job_untouch(core, job); // dropping chunks has touched it
    free(job->steps);
    free(job);
}

void job_say(struct core_job *job, const char *fmt, ...)
{
    if (job->summary.text[0])
        return;
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(job->summary.text, sizeof(job->summary.text), fmt, ap);
    va_end(ap);
}

static void drop_unrun(struct core *core, struct core_job *job, struct line *line)
{
    for (struct chunk *chunk = TAILQ_FIRST(line), *next; chunk; chunk = next) {
        next = TAILQ_NEXT(chunk, in_line);
        if (chunk->state != CHUNK_PENDING && chunk->state != CHUNK_WAITING)
            continue;
        job->summary.unrun++;
        chunk_free(core, chunk);
    }
}

static void send_cancel(struct core *core, struct core_job *job, enum cancel_mode mode,
                        struct actions *actions)
{
    for (struct core_worker *worker = core->workers; worker; worker = worker->hh.next) {
        if (!worker_knows_job(worker, job->id))
            continue;
        struct action *action = action_add(actions, ACT_CANCEL, job->id, worker->id);
        if (action)
            action->mode = mode;
    }
}

void job_wind_down(struct core *core, struct core_job *job, enum job_fate fate,
                   enum cancel_mode mode, struct actions *actions)
{
    bool is_first = job->state == JOB_RUNNING;
    if (is_first)
        job->fate = fate;
    if (!is_first && mode <= job->cancel)
        return;
    job->state = mode == CANCEL_QUEUED ? JOB_FINISHING : JOB_STOPPING;
    job_touch(core, job);
    job->cancel = mode;
    for (uint32_t i = 0; i < job->n_steps; i++) {
        struct core_step *step = &job->steps[i];
        drop_unrun(core, job, &step->line);
        for (uint32_t l = 0; l < step->n_levels; l++)
            drop_unrun(core, job, &step->levels[l].line);
        step_drop_inputs(step);
        step->input_ended = true;
    }
    job_settle(core, job);
    send_cancel(core, job, mode, actions);
}

static bool too_many_failures(const struct core_job *job)
{
    const struct plan *plan = job->plan;
    if (job->summary.failed > plan->max_failures)
        return true;
    // A share of all chunks is known only once the source has ended.
    return plan->max_failures_bp > 0 && job->steps[0].input_ended &&
           job->summary.failed * 10000 > job->summary.chunks * plan->max_failures_bp;
}

// Nothing of a step was ever started: its command is not there, or can't be run.
static enum job_fate failure_fate(const struct core_job *job, enum job_fate fate)
{
    for (uint32_t i = 0; i < job->n_steps; i++)
        if (job->steps[i].unstarted && !job->steps[i].started)
            return FATE_NOT_RUNNABLE;
    return fate;
}

void job_check_failures(struct core *core, struct core_job *job, struct actions *actions)
{
    enum on_error rule = job->plan->on_error;
    if (!job->summary.failed || job->state != JOB_RUNNING)
        return;
    if (too_many_failures(job) || rule != ON_ERROR_CONTINUE)
        job_wind_down(core, job, failure_fate(job, FATE_FAILURES),
                      rule == ON_ERROR_STOP ? CANCEL_RUNNING : CANCEL_QUEUED, actions);
}

void job_count_success(struct core *core, const struct chunk *chunk)
{
    if (!chunk->worker_id)
        return;
    chunk->step->job->summary.ok++;
    core->stats.done++;
}

void job_count_failure(struct core *core, struct core_job *job, const struct chunk *chunk,
                       struct actions *actions)
{
    core->stats.failed++;
    if (job->summary.failed++ == 0)
        job->summary.first_code = chunk->ending.code;
    if (chunk->error)
        job_say(job, "%s", chunk->error);
    if (outcome_is_unstarted(chunk->ending.outcome) && !chunk->step->started)
        job->summary.first_code = chunk->ending.code;
    job_check_failures(core, job, actions);
}

static bool everything_over(const struct core_job *job)
{
    for (uint32_t i = 0; i < job->n_steps; i++) {
        const struct core_step *step = &job->steps[i];
        bool over = job->state == JOB_RUNNING ? step_is_over(step) : step_live(step) == 0;
        if (!over)
            return false;
    }
    return true;
}

void job_check_until(struct core *core, struct core_job *job, struct actions *actions)
{
    const struct plan *plan = job->plan;
    const struct job_summary *s = &job->summary;
    uint64_t n = plan->until.what == UNTIL_OK       ? s->ok
                 : plan->until.what == UNTIL_FAILED ? s->failed
                                                    : s->ok + s->failed;
    if (plan->until.what == UNTIL_ALL || job->state != JOB_RUNNING || !n)
        return;
    // A share of all chunks is known only once the source has ended.
    bool reached = plan->until.n
                       ? n >= plan->until.n
                       : job->steps[0].input_ended && n * 10000 >= s->chunks * plan->until.bp;
    if (reached)
        job_wind_down(core, job, plan->until.what == UNTIL_FAILED ? FATE_FAILURES : FATE_ENOUGH,
                      plan->until.stops ? CANCEL_RUNNING : CANCEL_QUEUED, actions);
}

bool job_try_end(struct core *core, struct core_job *job, struct actions *actions)
{
    if (!everything_over(job))
        return false;
    struct job_summary *summary = malloc(sizeof(*summary));
    struct action *action = summary ? action_add(actions, ACT_JOB_END, job->id, 0) : NULL;
    if (!action) {
        free(summary);
        return false;
    }
    *summary = job->summary;
    summary->fate = job->state == JOB_RUNNING ? failure_fate(job, job->fate) : job->fate;
    action->summary = summary;
    for (struct core_worker *worker = core->workers; worker; worker = worker->hh.next) {
        if (!worker_knows_job(worker, job->id))
            continue;
        worker_forget_job(worker, job->id);
        action_add(actions, ACT_FORGET, job->id, worker->id);
    }
    job_free(core, job);
    return true;
}
