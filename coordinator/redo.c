#include "coordinator/redo.h"

#include <errno.h>
#include <stdlib.h>

#include "base/grow.h"
#include "coordinator/core/core.h"
#include "pipelines/run.h"

void redo_done(struct redo_list *list)
{
    for (size_t i = 0; i < list->n; i++)
        slice_drop(&list->list[i].payload);
    free(list->list);
    *list = (struct redo_list){0};
}

void redo_keep(struct redo_list *list, const struct delivery *d)
{
    struct redo redo = {.chunk = d->chunk,
                        .kind = d->kind,
                        .item_first = d->item_first,
                        .items = d->items,
                        .items_per_chunk = d->items_per_chunk};
    // A copy: the payload may be a small part of something large.
    if (list->n >= REDO_CHUNKS_MAX || list->bytes + d->payload.len > REDO_BYTES_MAX ||
        grow(list->list, list->n, 1) < 0 ||
        (d->payload.len && slice_copy(d->payload.data, d->payload.len, &redo.payload) < 0)) {
        list->is_short = true;
        return;
    }
    list->list[list->n++] = redo;
    list->bytes += d->payload.len;
}

static bool is_in(const struct chunk_range *ranges, uint32_t n, uint64_t chunk)
{
    for (uint32_t i = 0; i < n; i++)
        if (chunk >= ranges[i].first && chunk <= ranges[i].last)
            return true;
    return n == 0;
}

int redo_copy(const struct redo_list *from, const struct chunk_range *ranges, uint32_t n,
              struct redo_list *ret)
{
    ret->list = calloc(from->n, sizeof(*ret->list));
    if (!ret->list)
        return -ENOMEM;
    for (size_t i = 0; i < from->n; i++) {
        if (!is_in(ranges, n, from->list[i].chunk))
            continue;
        struct redo *redo = &ret->list[ret->n++];
        *redo = from->list[i];
        if (redo->payload.len)
            redo->payload = slice_ref(&from->list[i].payload);
    }
    return 0;
}

static int by_number(const void *a, const void *b)
{
    uint64_t x = ((const struct redo *)a)->chunk, y = ((const struct redo *)b)->chunk;
    return (x > y) - (x < y);
}

void redo_sort(struct redo_list *list)
{
    qsort(list->list, list->n, sizeof(*list->list), by_number);
}

int redo_run(struct redo *redo, uint64_t fed, struct run *ret)
{
    struct run run = {.kind = (enum run_kind)redo->kind,
                      .count = 1,
                      .skip = redo->chunk - fed,
                      .item_first = redo->item_first,
                      .items_per_chunk = redo->items_per_chunk,
                      .item_end = redo->item_first + redo->items};
    if (run.kind != RUN_RANGE) {
        run.lens = malloc(sizeof(*run.lens));
        if (!run.lens)
            return -ENOMEM;
        *run.lens = (uint32_t)redo->payload.len;
    }
    run.body = redo->payload;
    redo->payload = (struct slice){0};
    *ret = run;
    return 0;
}
