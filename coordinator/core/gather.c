#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "coordinator/core/state.h"
#include "pipelines/frame.h"

static bool has_credit(const struct core_job *job)
{
    return job->delivered < job->credit_items && job->delivered_bytes < job->credit_bytes;
}

bool job_deliver(struct core *core, struct core_job *job, struct chunk *chunk,
                 struct actions *actions)
{
    if (!has_credit(job))
        return false;
    struct action *action = action_add(actions, ACT_DELIVER, job->id, 0);
    if (!action)
        return false;
    struct delivery *d = &action->delivery;
    d->offset = job->delivered++;
    d->step = chunk->step->number;
    d->chunk = chunk->number;
    d->attempt = chunk->attempt;
    d->ending = chunk->ending;
    d->ended = chunk->ended;
    d->worker = chunk->worker_id;
    d->item_first = chunk->item_first;
    d->items = chunk->items;
    if (chunk->kind == RUN_BYTES && chunk->items == 1)
        d->item = slice_ref(&chunk->payload);
    d->kind = chunk->kind;
    d->items_per_chunk = chunk->items_per_chunk;
    if (chunk->ending.outcome != OUTCOME_OK && chunk->step->number == 0)
        d->payload = slice_ref(&chunk->payload);
    // A chunk of a step that gives the job's results was counted when it was held.
    if (chunk->ending.outcome == OUTCOME_OK && !step_gives_results(chunk->step))
        job_count_success(core, chunk);
    d->bytes = chunk->result_bytes + chunk->error_bytes;
    job->delivered_bytes += d->bytes;
    d->error = chunk->error;
    d->stderr_text = chunk->stderr_text;
    chunk->error = NULL;
    chunk->stderr_text = (struct slice){0};
    chunk_unqueue(core, chunk);
    d->parts = chunk->parts;
    d->n_parts = chunk->n_parts;
    d->errors = chunk->errors;
    d->n_errors = chunk->n_errors;
    chunk->parts = NULL;
    chunk->n_parts = 0;
    chunk->errors = NULL;
    chunk->n_errors = 0;
    chunk_free(core, chunk);
    return true;
}

void job_deliver_part(struct core_job *job, struct chunk *chunk, struct actions *actions)
{
    const struct core_step *step = chunk->step;
    bool is_turn = job->plan->order == ORDER_COMPLETION || TAILQ_FIRST(&step->line) == chunk;
    if (!job->plan->partial || !step_gives_results(step) || !is_turn || chunk->n_parts == 0 ||
        !has_credit(job))
        return;
    struct action *action = action_add(actions, ACT_DELIVER, job->id, 0);
    if (!action)
        return;
    action->delivery = (struct delivery){.offset = job->delivered++,
                                         .partial = true,
                                         .step = step->number,
                                         .chunk = chunk->number,
                                         .attempt = chunk->attempt,
                                         .worker = chunk->worker_id,
                                         .item_first = chunk->item_first,
                                         .items = chunk->items,
                                         .kind = chunk->kind,
                                         .parts = chunk->parts,
                                         .n_parts = chunk->n_parts,
                                         .bytes = chunk->result_bytes};
    if (chunk->kind == RUN_BYTES && chunk->items == 1)
        action->delivery.item = slice_ref(&chunk->payload);
    job->delivered_bytes += chunk->result_bytes;
    chunk->parts = NULL;
    chunk->n_parts = 0;
    chunk->result_bytes = 0;
}

int job_refuse_result(struct core *core, struct core_job *job, struct chunk *chunk,
                      struct actions *actions)
{
    char text[PROTO_TEXT_MAX];
    const struct core_step *next = chunk->step + 1;
    bool is_alone = chunk->step->number + 1 < job->n_steps && !next->spec->is_reduce &&
                    next->spec->chunking.n <= 1;
    snprintf(text, sizeof(text),
             "its result of %zu bytes is too large to be an input of the next step (at most %u)",
             chunk->result_bytes, is_alone ? PROTO_BODY_MAX : FRAME_ITEM_MAX);
    chunk_unqueue(core, chunk);
    chunk_drop_result(chunk);
    chunk->error = strdup(text);
    chunk->ending.outcome = OUTCOME_LIMIT;
    chunk->ending.code = 0;
    chunk_hold(core, chunk);
    job_count_failure(core, job, chunk, actions);
    return chunk->error ? 0 : -ENOMEM;
}

void chunk_become_input(struct core *core, struct chunk *chunk)
{
    job_count_success(core, chunk);
    chunk_free(core, chunk);
}

// Parts that arrived before the consumer's credit.
static void deliver_parts(struct core_step *step, struct actions *actions)
{
    struct core_job *job = step->job;
    for (struct chunk *chunk = TAILQ_FIRST(&step->line); chunk && has_credit(job);
         chunk = TAILQ_NEXT(chunk, in_line)) {
        if (chunk->state == CHUNK_LEASED)
            job_deliver_part(job, chunk, actions);
        if (job->plan->order == ORDER_INPUT)
            return;
    }
}

static struct chunk *next_ready(const struct core_step *step)
{
    if (step->job->plan->order == ORDER_COMPLETION)
        return TAILQ_FIRST(&step->held.chunks);
    struct chunk *head = TAILQ_FIRST(&step->line);
    return head && head->state == CHUNK_HELD ? head : NULL;
}

static int step_gather(struct core *core, struct core_step *step, struct actions *actions)
{
    struct core_job *job = step->job;
    bool is_last = step->number + 1 == job->n_steps;
    if (step->spec->is_reduce)
        return reduce_advance(core, step, actions);
    for (struct chunk *chunk; (chunk = next_ready(step));) {
        if (is_last || chunk->ending.outcome != OUTCOME_OK) {
            if (!job_deliver(core, job, chunk, actions))
                return 0;
            continue;
        }
        int r = 0;
        if (job->state == JOB_RUNNING) {
            if (!step_has_room(core, step + 1))
                return 0;
            r = step_take_result(core, step + 1, chunk);
        }
        if (r == -EMSGSIZE)
            r = job_refuse_result(core, job, chunk, actions);
        else if (r == 0)
            chunk_become_input(core, chunk);
        if (r < 0)
            return r;
    }
    if (is_last && job->plan->partial)
        deliver_parts(step, actions);
    return 0;
}

void job_gather(struct core *core, struct core_job *job, struct actions *actions)
{
    int r = 0;
    // Last step first: what it gives away is room for the one before.
    for (uint32_t i = job->n_steps; i-- > 0 && r == 0;)
        r = step_gather(core, &job->steps[i], actions);
    for (uint32_t i = 0; i + 1 < job->n_steps && r == 0 && job->state == JOB_RUNNING; i++) {
        struct core_step *next = &job->steps[i + 1];
        if (!step_is_over(&job->steps[i]) || next->input_ended)
            continue;
        r = step_end_input(core, next);
        if (r == 0)
            r = step_gather(core, next, actions);
    }
    if (r < 0) {
        job_say(job, "out of memory");
        job_wind_down(core, job, FATE_INTERNAL, CANCEL_KILL, actions);
    }
}
