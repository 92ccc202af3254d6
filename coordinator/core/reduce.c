// A reduce step as a tree that feeds itself. Level 0 takes the results of the step before, in their
// order; a chunk of level n takes fan_in consecutive inputs of level n; its result is an input of
// level n + 1, in order. The tree ends when a level has made one chunk and gets no more input.
//
//     level 0   a b c d  e f g h  i           fan_in 4; even i alone is reduced once
//     level 1      A        B     C
//     level 2               R                 the result
//
// A single input left at a higher level goes up as it is.
#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "coordinator/core/state.h"
#include "pipelines/frame.h"

void reduce_done(struct core_step *step)
{
    for (uint32_t i = 0; i < step->n_levels; i++)
        buf_done(&step->levels[i].inputs);
    free(step->levels);
    step->levels = NULL;
    step->n_levels = 0;
}

static int reserve_level(struct core_step *step, uint32_t level)
{
    if (level < step->n_levels)
        return 0;
    if (level >= CORE_LEVELS_MAX)
        return -EMSGSIZE;
    // All at once: a line must not move.
    if (!step->levels && !(step->levels = calloc(CORE_LEVELS_MAX, sizeof(*step->levels))))
        return -ENOMEM;
    for (; step->n_levels <= level; step->n_levels++) {
        struct level *added = &step->levels[step->n_levels];
        TAILQ_INIT(&added->line);
        buf_init(&added->inputs, PROTO_BODY_MAX);
    }
    return 0;
}

static int close_level(struct core *core, struct core_step *step, uint32_t level)
{
    struct level *l = &step->levels[level];
    struct slice payload;
    int r = slice_copy(l->inputs.data, l->inputs.len, &payload);
    if (r < 0)
        return r;
    uint64_t items = l->n_inputs;
    step->input_bytes -= l->inputs.len;
    buf_clear(&l->inputs);
    l->n_inputs = 0;
    l->made++;
    return step_add_next(core, step, payload, RUN_ITEMS, items, (uint8_t)level);
}

// The one input that is left becomes the result of a chunk that no worker ran.
static int pass_up(struct core *core, struct core_step *step, uint32_t level)
{
    struct level *l = &step->levels[level];
    _cleanup_(slice_drop)
    struct slice bytes = {0};
    _free_ struct slice *parts = malloc(sizeof(*parts));
    if (!parts ||
        slice_copy(l->inputs.data + FRAME_HEAD_BYTES, l->inputs.len - FRAME_HEAD_BYTES, &bytes) < 0)
        return -ENOMEM;
    struct chunk *chunk = chunk_new(core, step, step->fed, (uint8_t)level);
    if (!chunk)
        return -ENOMEM;
    step->fed++;
    step->input_bytes -= l->inputs.len;
    buf_clear(&l->inputs);
    l->n_inputs = 0;
    l->made++;
    chunk->ending.outcome = OUTCOME_OK;
    chunk->attempt = 1;
    chunk->result_bytes = bytes.len;
    parts[0] = bytes;
    bytes = (struct slice){0};
    chunk->parts = take(parts);
    chunk->n_parts = 1;
    chunk_hold(core, chunk);
    return 0;
}

int reduce_take(struct core *core, struct core_step *step, uint32_t level,
                const struct chunk *result)
{
    uint32_t fan_in = step->spec->fan_in;
    _cleanup_(slice_drop)
    struct slice bytes = {0};
    int r = reserve_level(step, level);
    if (r == 0)
        r = chunk_result_bytes(result, &bytes);
    if (r < 0)
        return r;
    struct level *l = &step->levels[level];
    bool is_large = l->inputs.len + bytes.len > CORE_REDUCE_BYTES;
    if (fan_in != PLAN_FAN_IN_ALL && is_large && l->n_inputs >= 2) {
        r = close_level(core, step, level);
        if (r < 0)
            return r;
    }
    size_t before = l->inputs.len;
    r = frame_add(&l->inputs, bytes.data, bytes.len);
    if (r < 0)
        return r == -ENOBUFS ? -EMSGSIZE : r;
    step->input_bytes += l->inputs.len - before;
    l->n_inputs++;
    return fan_in != PLAN_FAN_IN_ALL && l->n_inputs >= fan_in ? close_level(core, step, level) : 0;
}

int reduce_end_input(struct core *core, struct core_step *step, uint32_t level)
{
    int r = reserve_level(step, level);
    if (r < 0)
        return r;
    struct level *l = &step->levels[level];
    l->input_ended = true;
    if (l->n_inputs == 0)
        return 0;
    return level > 0 && l->n_inputs == 1 ? pass_up(core, step, level)
                                         : close_level(core, step, level);
}

static bool is_root(const struct core_step *step, uint32_t level)
{
    const struct level *l = &step->levels[level];
    return l->input_ended && l->made == 1 && level + 1 == step->n_levels;
}

int reduce_advance(struct core *core, struct core_step *step, struct actions *actions)
{
    struct core_job *job = step->job;
    int r = 0;
    for (uint32_t level = 0; level < step->n_levels && r == 0; level++) {
        struct chunk *chunk;
        while (r == 0 && (chunk = TAILQ_FIRST(&step->levels[level].line)) &&
               chunk->state == CHUNK_HELD) {
            if (chunk->ending.outcome != OUTCOME_OK || is_root(step, level)) {
                if (!job_deliver(core, job, chunk, actions))
                    return 0;
                continue;
            }
            if (job->state == JOB_RUNNING)
                r = reduce_take(core, step, level + 1, chunk);
            if (r == -EMSGSIZE)
                r = job_refuse_result(core, job, chunk, actions);
            else if (r == 0)
                chunk_become_input(core, chunk);
        }
        const struct level *l = &step->levels[level];
        if (r == 0 && job->state == JOB_RUNNING && l->input_ended && TAILQ_EMPTY(&l->line) &&
            level + 1 < step->n_levels && !step->levels[level + 1].input_ended)
            r = reduce_end_input(core, step, level + 1);
    }
    return r;
}
