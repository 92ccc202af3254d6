#include "pipelines/source/source_queue.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void source_queue_done(struct source_queue *q)
{
    buf_done(&q->out);
    buf_done(&q->lens);
    q->out_at = q->lens_at = 0;
}

int source_queue_take(struct source_queue *q, const struct source_want *want, struct run *ret)
{
    size_t n = 0;
    size_t bytes = 0;
    for (size_t at = q->lens_at; at < q->lens.len && n < want->chunks && n < SOURCE_RUN_CHUNKS_MAX;
         at += sizeof(uint32_t), n++) {
        uint32_t len;
        memcpy(&len, q->lens.data + at, sizeof(len));
        if (n && bytes + len > want->bytes)
            break;
        bytes += len;
    }
    struct run run = {.kind = q->kind,
                      .count = n,
                      .item_first = q->item_at,
                      .items_per_chunk = q->items_per_chunk};
    run.lens = calloc(n ? n : 1, sizeof(*run.lens));
    if (!run.lens || slice_copy(q->out.data + q->out_at, bytes, &run.body) < 0) {
        free(run.lens);
        return -ENOMEM;
    }
    memcpy(run.lens, q->lens.data + q->lens_at, n * sizeof(*run.lens));
    q->out_at += bytes;
    q->lens_at += n * sizeof(*run.lens);
    q->item_at += n * q->items_per_chunk;
    if (source_queue_empty(q)) {
        buf_clear(&q->out);
        buf_clear(&q->lens);
        q->out_at = q->lens_at = 0;
        q->item_at = q->item_end;
    }
    run.item_end = q->item_at;
    *ret = run;
    return 0;
}

int source_cut_error(struct err *err, int code, const char *path)
{
    const char *name = strcmp(path, "-") == 0 ? "standard input" : path;
    if (code != -EMSGSIZE)
        return err_sys(err, code, "'%s'", name);
    return err_set(err, code,
                   "'%s': a line or chunk is longer than %u bytes, the most that a chunk can carry",
                   name, CUTTER_CHUNK_MAX);
}
