#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "coordinator/core/state.h"
#include "pipelines/frame.h"

#define WANT_SHARE 8 // ask again when 1/8 of the window is free

uint32_t step_window(const struct core *core)
{
    if (core->options.window_items)
        return core->options.window_items;
    uint64_t window = core->windows * CORE_WINDOW_FACTOR;
    if (window < CORE_WINDOW_MIN)
        return CORE_WINDOW_MIN;
    return window < CORE_WINDOW_MAX ? (uint32_t)window : CORE_WINDOW_MAX;
}

// All wait for one that is still running: then more may wait than for a slow consumer.
static bool waits_for_earlier(const struct core_step *step)
{
    const struct chunk *head = TAILQ_FIRST(&step->line);
    return step->job->plan->order == ORDER_INPUT && head && head->state != CHUNK_HELD;
}

uint64_t step_held_max(const struct core *core, const struct core_step *step)
{
    uint64_t window = core->options.window_bytes;
    uint64_t max = core->options.held_bytes;
    if (!max)
        return window;
    max = (max + step->job->n_steps - 1) / step->job->n_steps;
    return max < window || waits_for_earlier(step) ? max : window;
}

bool step_has_room(const struct core *core, const struct core_step *step)
{
    uint64_t live = step_live(step);
    if (live == 0)
        return true;
    return live < step_window(core) && step->input_bytes < core->options.window_bytes &&
           step->held_bytes < step_held_max(core, step);
}

void step_drop_inputs(struct core_step *step)
{
    step->input_bytes -= cutter_held(&step->cutter) + step->inputs.len;
    struct cutter_rule rule = step->cutter.rule;
    cutter_done(&step->cutter);
    cutter_init(&step->cutter, &rule);
    buf_done(&step->inputs);
    buf_init(&step->inputs, PROTO_BODY_MAX);
    step->n_inputs = 0;
    for (uint32_t i = 0; i < step->n_levels; i++) {
        step->input_bytes -= step->levels[i].inputs.len;
        buf_done(&step->levels[i].inputs);
        step->levels[i].n_inputs = 0;
    }
}

int step_add_chunk(struct core *core, struct core_step *step, const struct chunk_input *input)
{
    struct slice payload = input->payload;
    struct chunk *chunk = chunk_new(core, step, step->fed, input->level);
    if (!chunk) {
        slice_drop(&payload);
        return -ENOMEM;
    }
    step->fed++;
    chunk->payload = payload;
    chunk->kind = input->kind;
    chunk->item_first = input->item_first;
    chunk->items = input->items;
    chunk->items_per_chunk = input->items_per_chunk;
    step->items = input->item_first + input->items;
    step->input_bytes += payload.len;
    if (step->number == 0)
        step->job->summary.chunks++;
    chunk_make_pending(core, chunk);
    return 0;
}

int step_add_next(struct core *core, struct core_step *step, struct slice payload, uint8_t kind,
                  uint64_t items, uint8_t level)
{
    return step_add_chunk(core, step,
                          &(struct chunk_input){.payload = payload,
                                                .kind = kind,
                                                .level = level,
                                                .item_first = step->items,
                                                .items = items,
                                                .items_per_chunk = items});
}

int job_fed(struct core *core, struct core_job *job, struct run *run)
{
    struct core_step *step = &job->steps[0];
    size_t at = 0;
    int r = 0;
    job->want_open = false;
    if (job->state != JOB_RUNNING || step->input_ended) {
        run_done(run);
        return 0;
    }
    step->fed += run->skip;
    for (uint64_t i = 0; i < run->count && r == 0; i++) {
        uint32_t len = run->lens ? run->lens[i] : 0;
        struct chunk_input input = {.payload = {.data = run->body.data + at, .len = len},
                                    .kind = (uint8_t)run->kind,
                                    .item_first = run->item_first + i * run->items_per_chunk,
                                    .items = run->items_per_chunk,
                                    .items_per_chunk = run->items_per_chunk};
        if (run->body.slab && len)
            input.payload.slab = slab_ref(run->body.slab);
        at += len;
        if (input.items && input.item_first + input.items > run->item_end)
            input.items = run->item_end - input.item_first;
        r = step_add_chunk(core, step, &input);
    }
    run_done(run);
    return r;
}

void job_fed_end(struct core *core, struct core_job *job, int code, const char *text,
                 struct actions *actions)
{
    job->want_open = false;
    if (job->state != JOB_RUNNING)
        return;
    job->steps[0].input_ended = true;
    if (code < 0) {
        job->fate = FATE_SOURCE;
        // The source's reason takes precedence over that of a chunk.
        job->summary.text[0] = '\0';
        job_say(job, "%s", text ? text : strerror(-code));
    }
    job_check_failures(core, job, actions);
}

int chunk_result_bytes(const struct chunk *result, struct slice *ret)
{
    if (result->n_parts == 0) {
        *ret = (struct slice){.data = (const uint8_t *)""};
        return 0;
    }
    if (result->n_parts == 1) {
        *ret = slice_ref(&result->parts[0]);
        return 0;
    }
    struct slab *slab = slab_new(result->result_bytes);
    if (!slab)
        return -ENOMEM;
    size_t at = 0;
    for (size_t i = 0; i < result->n_parts; i++) {
        memcpy(slab->data + at, result->parts[i].data, result->parts[i].len);
        at += result->parts[i].len;
    }
    *ret = (struct slice){.slab = slab, .data = slab->data, .len = at};
    return 0;
}

// The framed inputs become a chunk.
static int close_inputs(struct core *core, struct core_step *step)
{
    struct slice payload;
    int r = slice_copy(step->inputs.data, step->inputs.len, &payload);
    if (r < 0)
        return r;
    uint64_t items = step->n_inputs;
    step->input_bytes -= step->inputs.len;
    step->n_inputs = 0;
    buf_clear(&step->inputs);
    return step_add_next(core, step, payload, RUN_ITEMS, items, 0);
}

static int take_item(struct core *core, struct core_step *step, const void *item, size_t len)
{
    size_t before = step->inputs.len;
    // It would not fit into a message as a lease's payload.
    if (len > PROTO_BODY_MAX)
        return -EMSGSIZE;
    if (step->spec->chunking.n <= 1) {
        struct slice payload;
        int r = slice_copy(item, len, &payload);
        return r < 0 ? r : step_add_next(core, step, payload, RUN_BYTES, 1, 0);
    }
    int r = frame_add(&step->inputs, item, len);
    if (r == -ENOBUFS && step->n_inputs > 0) { // early: it would be too large for a message
        r = close_inputs(core, step);
        before = 0;
        if (r == 0)
            r = frame_add(&step->inputs, item, len);
    }
    if (r < 0)
        return r == -ENOBUFS ? -EMSGSIZE : r;
    step->input_bytes += step->inputs.len - before;
    return ++step->n_inputs >= step->spec->chunking.n ? close_inputs(core, step) : 0;
}

static int take_items(struct core *core, struct core_step *step, const struct chunk *result)
{
    _cleanup_(slice_drop)
    struct slice bytes = {0};
    if (!result->n_items && result->result_bytes > PROTO_BODY_MAX)
        return -EMSGSIZE;
    int r = chunk_result_bytes(result, &bytes);
    if (r < 0 || !result->n_items)
        return r < 0 ? r : take_item(core, step, bytes.data, bytes.len);
    size_t at = 0;
    for (uint32_t i = 0; i < result->n_items && r == 0; i++) {
        r = take_item(core, step, bytes.data + at, result->item_lens[i]);
        at += result->item_lens[i];
    }
    return r;
}

static int add_cut_chunks(struct core *core, struct core_step *step, const struct buf *bytes,
                          const struct buf *lens, uint64_t items)
{
    const struct cutter_rule *rule = &step->cutter.rule;
    size_t at = 0;
    int r = 0;
    for (size_t i = 0; i < lens->len && r == 0; i += sizeof(uint32_t)) {
        uint32_t len;
        memcpy(&len, lens->data + i, sizeof(len));
        uint64_t n = !rule->as_items ? 0 : items < rule->items ? items : rule->items;
        items -= n;
        struct slice payload;
        r = len > PROTO_BODY_MAX ? -EMSGSIZE : slice_copy(bytes->data + at, len, &payload);
        at += len;
        if (r == 0)
            r = step_add_next(core, step, payload,
                              rule->as_items && rule->items > 1 ? RUN_ITEMS : RUN_BYTES, n, 0);
    }
    return r;
}

static int take_data(struct core *core, struct core_step *step, const struct chunk *result,
                     bool is_end)
{
    _cleanup_(buf_done)
    struct buf bytes;
    _cleanup_(buf_done)
    struct buf lens;
    uint64_t items = 0;
    int r = 0;
    buf_init(&bytes, 0);
    buf_init(&lens, 0);
    size_t before = cutter_held(&step->cutter);
    if (is_end)
        r = cutter_end(&step->cutter, &bytes, &lens, &items);
    for (size_t i = 0; !is_end && i < result->n_parts && r == 0; i++)
        r = cutter_feed(&step->cutter, result->parts[i].data, result->parts[i].len, &bytes, &lens,
                        &items);
    step->input_bytes += cutter_held(&step->cutter) - before;
    int added = add_cut_chunks(core, step, &bytes, &lens, items);
    return r < 0 ? r : added;
}

static bool counts_results(const struct step *spec)
{
    return spec->chunking.rule == CHUNK_ITEMS ||
           (spec->chunking.rule == CHUNK_AUTO && spec->stages[0].kind != STAGE_PIPE);
}

bool step_wants_item_lens(const struct core_step *step)
{
    return !step->spec->is_reduce && counts_results(step->spec);
}

int step_take_result(struct core *core, struct core_step *step, const struct chunk *result)
{
    if (result->has_nothing)
        return 0;
    if (step->spec->is_reduce)
        return reduce_take(core, step, 0, result);
    if (counts_results(step->spec))
        return take_items(core, step, result);
    return take_data(core, step, result, false);
}

int step_end_input(struct core *core, struct core_step *step)
{
    step->input_ended = true;
    if (step->spec->is_reduce)
        return reduce_end_input(core, step, 0);
    if (counts_results(step->spec))
        return step->n_inputs ? close_inputs(core, step) : 0;
    return take_data(core, step, NULL, true);
}

bool step_is_over(const struct core_step *step)
{
    if (!step->input_ended || step_live(step) > 0)
        return false;
    for (uint32_t i = 0; i < step->n_levels; i++)
        if (!step->levels[i].input_ended)
            return false;
    return true;
}

void job_want(struct core *core, struct core_job *job, struct actions *actions)
{
    struct core_step *step = &job->steps[0];
    if (job->state != JOB_RUNNING || job->blocks || job->want_open || step->input_ended ||
        !core->slots || !step_has_room(core, step))
        return;
    uint32_t window = step_window(core);
    uint64_t live = step_live(step);
    uint64_t room = live < window ? window - live : 1;
    if (room < window / WANT_SHARE && step->pending.n > 0)
        return;
    uint64_t used = step->input_bytes;
    struct action *action = action_add(actions, ACT_WANT, job->id, 0);
    if (!action)
        return;
    action->want.chunks = room;
    action->want.bytes = used < core->options.window_bytes ? core->options.window_bytes - used : 1;
    action->want.mean_run_ns = step->mean_run_ns;
    action->want.slots = core->slots < UINT32_MAX ? (uint32_t)core->slots : UINT32_MAX;
    job->want_open = true;
}
