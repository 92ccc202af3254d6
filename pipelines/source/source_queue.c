#include "pipelines/source/source_queue.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipelines/frame.h"
#include "pipelines/source/extent.h"

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

static int too_long(struct err *err, int code, const char *name, const struct cutter *c)
{
    unsigned long long n = c->items + c->ready_items + 1;
    const unsigned item_mib = FRAME_ITEM_MAX >> 20, chunk_mib = CUTTER_CHUNK_MAX >> 20;
    bool fills = c->ready.len > CUTTER_CHUNK_MAX - FRAME_ITEM_MAX - FRAME_HEAD_BYTES;
    if (c->rule.as_items && c->rule.items > 1 && fills)
        return err_set(err, code,
                       "%s: %llu items make more than %u MiB, the most that a chunk can carry; ask "
                       "for fewer",
                       name, (unsigned long long)c->rule.items, chunk_mib);
    if (c->rule.as_items)
        return err_set(err, code,
                       "%s: item %llu is longer than %u MiB, the most that an item can have; cut "
                       "large records with 'pipe', a job's 'data'",
                       name, n, item_mib);
    if (c->rule.items > 1 && c->ready_items)
        return err_set(err, code,
                       "%s: %llu records from byte %llu on make more than %u MiB, the most that a "
                       "chunk can carry; ask for fewer",
                       name, (unsigned long long)c->rule.items, (unsigned long long)c->bytes,
                       chunk_mib);
    return err_set(err, code,
                   "%s: the record at byte %llu is longer than %u MiB, the most that a chunk of a "
                   "stream can carry; of a plain file it is %u MiB",
                   name, (unsigned long long)c->bytes, chunk_mib,
                   (unsigned)(EXTENT_BYTES_MAX >> 20));
}

int source_cut_error(struct err *err, int code, const char *path, const struct cutter *cutter)
{
    char name[EXTENT_PATH_MAX + 3];
    snprintf(name, sizeof(name), "'%s'", path);
    const char *shown = strcmp(path, "-") == 0 ? "standard input" : name;
    return code == -EMSGSIZE ? too_long(err, code, shown, cutter) : err_sys(err, code, "%s", shown);
}
