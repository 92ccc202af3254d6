#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "coordinator/core/place.h"

#define SLAB_CHUNKS 256
#define INDEX_CAP_MIN 64

struct chunk_slab {
    struct chunk_slab *next;
    struct chunk chunks[SLAB_CHUNKS];
};

static struct chunk **index_home(const struct chunk_index *index, uint64_t number)
{
    return &index->slots[number & (index->cap - 1)];
}

static void index_put(struct chunk_index *index, struct chunk *chunk)
{
    struct chunk **home = index_home(index, chunk->number);
    chunk->next = *home;
    *home = chunk;
}

static int index_reserve(struct chunk_index *index)
{
    if (index->len < index->cap)
        return 0;
    struct chunk_index wider = {.cap = index->cap ? index->cap * 2 : INDEX_CAP_MIN,
                                .len = index->len};
    wider.slots = calloc(wider.cap, sizeof(*wider.slots));
    if (!wider.slots)
        return -ENOMEM;
    for (size_t i = 0; i < index->cap; i++) {
        for (struct chunk *chunk = index->slots[i], *next; chunk; chunk = next) {
            next = chunk->next;
            index_put(&wider, chunk);
        }
    }
    free(index->slots);
    *index = wider;
    return 0;
}

static void index_remove(struct chunk_index *index, const struct chunk *chunk)
{
    struct chunk **at = index_home(index, chunk->number);
    while (*at != chunk)
        at = &(*at)->next;
    *at = chunk->next;
    index->len--;
}

struct chunk *step_find(const struct core_step *step, uint64_t number)
{
    if (!step->index.cap)
        return NULL;
    struct chunk *chunk = *index_home(&step->index, number);
    while (chunk && chunk->number != number)
        chunk = chunk->next;
    return chunk;
}

static int slab_add(struct core *core)
{
    struct chunk_slab *slab = malloc(sizeof(*slab));
    if (!slab)
        return -ENOMEM;
    slab->next = core->slabs;
    core->slabs = slab;
    for (size_t i = SLAB_CHUNKS; i-- > 0;) {
        slab->chunks[i].next = core->free;
        core->free = &slab->chunks[i];
    }
    return 0;
}

void chunk_slabs_free(struct core *core)
{
    while (core->slabs) {
        struct chunk_slab *slab = core->slabs;
        core->slabs = slab->next;
        free(slab);
    }
    core->free = NULL;
}

static struct line *chunk_line(const struct chunk *chunk)
{
    struct core_step *step = chunk->step;
    return step->spec->is_reduce ? &step->levels[chunk->level].line : &step->line;
}

struct chunk *chunk_new(struct core *core, struct core_step *step, uint64_t number, uint8_t level)
{
    if ((!core->free && slab_add(core) < 0) || index_reserve(&step->index) < 0)
        return NULL;
    struct chunk *chunk = core->free;
    core->free = chunk->next;
    *chunk = (struct chunk){.number = number, .step = step, .level = level, .state = CHUNK_NOWHERE};
    struct line *line = chunk_line(chunk);
    TAILQ_INSERT_TAIL(line, chunk, in_line);
    index_put(&step->index, chunk);
    step->index.len++;
    return chunk;
}

void chunk_drop_result(struct chunk *chunk)
{
    for (size_t i = 0; i < chunk->n_parts; i++)
        slice_drop(&chunk->parts[i]);
    free(chunk->parts);
    for (size_t i = 0; i < chunk->n_errors; i++)
        slice_drop(&chunk->errors[i]);
    free(chunk->errors);
    free(chunk->item_lens);
    free(chunk->error);
    slice_drop(&chunk->stderr_text);
    chunk->parts = NULL;
    chunk->n_parts = 0;
    chunk->result_bytes = 0;
    chunk->errors = NULL;
    chunk->n_errors = 0;
    chunk->error_bytes = 0;
    chunk->over_limit = false;
    chunk->item_lens = NULL;
    chunk->n_items = 0;
    chunk->has_nothing = false;
    chunk->error = NULL;
}

void chunk_free(struct core *core, struct chunk *chunk)
{
    struct core_step *step = chunk->step;
    chunk_unqueue(core, chunk);
    TAILQ_REMOVE(chunk_line(chunk), chunk, in_line);
    index_remove(&step->index, chunk);
    step->input_bytes -= chunk->payload.len;
    slice_drop(&chunk->payload);
    chunk_drop_result(chunk);
    chunk->next = core->free;
    core->free = chunk;
}

void queue_init(struct queue *queue)
{
    TAILQ_INIT(&queue->chunks);
    queue->n = 0;
}

void queue_push(struct queue *queue, struct chunk *chunk)
{
    TAILQ_INSERT_TAIL(&queue->chunks, chunk, in_queue);
    queue->n++;
}

static void queue_remove(struct queue *queue, struct chunk *chunk)
{
    TAILQ_REMOVE(&queue->chunks, chunk, in_queue);
    queue->n--;
}

// A pending chunk near the place of one that is to be pending, looked for in its line on both sides
// at once: in whatever order n chunks come back, that is n log n steps. Where one side ends first,
// the place is at that end.
static struct chunk *near_pending(const struct chunk *chunk, const struct queue *pending)
{
    struct chunk *below = TAILQ_PREV(chunk, line, in_line), *above = TAILQ_NEXT(chunk, in_line);
    for (; below && above;
         below = TAILQ_PREV(below, line, in_line), above = TAILQ_NEXT(above, in_line)) {
        if (below->state == CHUNK_PENDING)
            return below;
        if (above->state == CHUNK_PENDING)
            return above;
    }
    return below ? TAILQ_LAST(&pending->chunks, line) : TAILQ_FIRST(&pending->chunks);
}

void chunk_make_pending(struct core *core, struct chunk *chunk)
{
    struct queue *pending = &chunk->step->pending;
    const struct chunk *last = TAILQ_LAST(&pending->chunks, line);
    job_touch(core, chunk->step->job);
    core->stats.pending++;
    if (!last || last->number < chunk->number) {
        chunk->state = CHUNK_PENDING;
        queue_push(pending, chunk);
        return;
    }
    struct chunk *after = near_pending(chunk, pending), *before;
    chunk->state = CHUNK_PENDING;
    while ((before = TAILQ_PREV(after, line, in_queue)) && before->number > chunk->number)
        after = before;
    while (after->number < chunk->number)
        after = TAILQ_NEXT(after, in_queue);
    TAILQ_INSERT_BEFORE(after, chunk, in_queue);
    pending->n++;
}

void chunk_unqueue(struct core *core, struct chunk *chunk)
{
    struct core_step *step = chunk->step;
    job_touch(core, step->job);
    switch ((enum chunk_state)chunk->state) {
    case CHUNK_NOWHERE:
        break;
    case CHUNK_PENDING:
        queue_remove(&step->pending, chunk);
        core->stats.pending--;
        break;
    case CHUNK_LEASED:
        queue_remove(&chunk->worker->leased, chunk);
        chunk->worker->leased_bytes -= chunk->payload.len;
        aside_leased(chunk->worker, step, false);
        if (chunk->recalled)
            chunk_answered(core, chunk);
        if (chunk->began) {
            chunk->worker->begun--;
            core->begun--;
            step->job->begun--;
            chunk->began = 0;
        }
        if (step->claims)
            resources_remove(&chunk->worker->claimed, &step->claim);
        chunk->worker = NULL;
        step->leased--;
        step->job->leased--;
        core->stats.leased--;
        break;
    case CHUNK_WAITING:
        heap_remove(&core->retries, &chunk->retry);
        step->waiting--;
        core->stats.pending--;
        break;
    case CHUNK_HELD:
        queue_remove(&step->held, chunk);
        step->passing -= chunk_is_passing(chunk);
        step->held_bytes -= chunk->result_bytes + chunk->error_bytes;
        core->held_bytes -= chunk->result_bytes + chunk->error_bytes;
        core->stats.held--;
        break;
    }
    chunk->state = CHUNK_NOWHERE;
}

void chunk_take_back(struct core *core, struct chunk *chunk)
{
    chunk->attempt -= !chunk->began;
    chunk_unqueue(core, chunk);
}

void chunk_begin(struct core *core, struct chunk *chunk, int64_t since)
{
    chunk_answered(core, chunk);
    if (!chunk->began) {
        chunk->worker->begun++;
        core->begun++;
        chunk->step->job->begun++;
    }
    chunk->began = since > 0 ? since : 1;
}

void chunk_hold(struct core *core, struct chunk *chunk)
{
    struct core_step *step = chunk->step;
    chunk->state = CHUNK_HELD;
    chunk->ended = core->now;
    queue_push(&step->held, chunk);
    step->passing += chunk_is_passing(chunk);
    step->held_bytes += chunk->result_bytes + chunk->error_bytes;
    core->held_bytes += chunk->result_bytes + chunk->error_bytes;
    job_touch(core, step->job);
    core->stats.held++;
}
