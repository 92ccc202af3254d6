// Chunks between a cutter and the runs that take them. Only source*.c include it.
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "pipelines/run.h"
#include "pipelines/source/cutter.h"
#include "pipelines/source/source.h"

#define SOURCE_RUN_CHUNKS_MAX 65536u // chunks in a run that carries payloads

// Chunks that a cutter made and that were not taken yet; all but the last have `items_per_chunk`
// items.
struct source_queue {
    struct buf out;
    struct buf lens;
    size_t out_at; // taken already
    size_t lens_at;
    enum run_kind kind;
    uint64_t items_per_chunk;
    uint64_t item_at;  // first item of the next chunk
    uint64_t item_end; // one past the last item of all
};
void source_queue_done(struct source_queue *q);
static inline bool source_queue_empty(const struct source_queue *q)
{
    return q->lens_at == q->lens.len;
}
// Takes a run of chunks, within the want. The queue must not be empty.
int source_queue_take(struct source_queue *q, const struct source_want *want, struct run *ret);
// Sets the text for an error of the cutter, which says what is too long. Returns the error.
int source_cut_error(struct err *err, int code, const char *path, const struct cutter *cutter);
