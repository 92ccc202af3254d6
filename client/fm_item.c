#include "client/fm_item.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

static const char nothing[] = "";

#define HELD_MAX ((size_t)64 << 10) // that an item may hold without needing it

void fm_item_drop(void *arg)
{
    struct fm_item *item = arg;
    if (!item)
        return;
    for (size_t i = 0; item->group && i < item->result.n_group; i++)
        fm_item_drop(item->group[i]);
    free(item->group);
    slice_drop(&item->data);
    slab_unref(item->frame);
    free(item);
}

static struct fm_item *item_new(size_t n_texts)
{
    struct fm_item *item = calloc(1, sizeof(*item) + n_texts);
    if (item)
        item->n_texts = n_texts;
    return item;
}

// ---- of a record

static char *put_text(char **at, const char *text, size_t len)
{
    char *begin = *at;
    if (text)
        memcpy(begin, text, len);
    begin[text ? len : 0] = '\0';
    *at += (text ? len : 0) + 1;
    return begin;
}

static int set_data(struct fm_item *item, const struct result_record *record)
{
    if (record->n_parts == 1)
        item->data = slice_ref(&record->parts[0]);
    if (record->n_parts <= 1)
        return 0;
    struct slab *joined = slab_new(record->bytes);
    if (!joined)
        return -1;
    size_t at = 0;
    for (size_t i = 0; i < record->n_parts; i++) {
        memcpy(joined->data + at, record->parts[i].data, record->parts[i].len);
        at += record->parts[i].len;
    }
    item->data = (struct slice){.slab = joined, .data = joined->data, .len = at};
    return 0;
}

struct fm_item *fm_item_of_record(const struct result_record *record)
{
    const struct record_entry *head = &record->head;
    size_t errors_len = 0;
    for (size_t i = 0; i < record->n_errors; i++)
        errors_len += record->errors[i].len;
    struct fm_item *item = item_new(head->error_len + errors_len + head->worker_len + 3);
    if (!item || set_data(item, record) < 0) {
        free(item);
        return NULL;
    }
    char *at = item->texts;
    char *error = put_text(&at, head->error, head->error_len);
    char *errors = at;
    for (size_t i = 0; i < record->n_errors; i++) {
        memcpy(at, record->errors[i].data, record->errors[i].len);
        at += record->errors[i].len;
    }
    *at++ = '\0';
    char *worker = put_text(&at, head->worker, head->worker_len);
    if (head->item)
        item->frame = slab_ref(record->frame);
    item->result = (struct fm_result){
        .data = record->n_parts ? (const void *)item->data.data : nothing,
        .size = (size_t)record->bytes,
        .offset = record->offset,
        .chunk = head->chunk,
        .attempt = head->attempt,
        .partial = head->partial,
        .outcome = (enum fm_outcome)head->ending.outcome,
        .code = head->ending.code,
        .error = head->error ? error : NULL,
        .errors = errors,
        .item = head->item,
        .item_size = head->item_len,
        .worker = worker,
        .seconds = (double)head->ending.run_ns / (double)NS_PER_S,
        .max_rss = head->ending.maxrss_bytes,
    };
    return item;
}

// ---- of others

struct fm_item *fm_item_of_batch(struct batch *batch)
{
    size_t n = batch->n;
    struct fm_item *item = calloc(1, sizeof(*item));
    // The results lie after the pointers to the items that they belong to.
    struct fm_item **group = malloc(n * (sizeof(struct fm_item *) + sizeof(struct fm_result)));
    if (!item || !group) {
        batch_free(batch);
        free(item);
        free(group);
        return NULL;
    }
    struct fm_result *shown = (struct fm_result *)(void *)(group + n);
    for (size_t i = 0; i < n; i++) {
        group[i] = batch_take(batch, i);
        shown[i] = group[i]->result;
    }
    batch_free(batch);
    item->group = group;
    item->result = (struct fm_result){.data = nothing,
                                      .offset = shown[0].offset,
                                      .chunk = shown[0].chunk,
                                      .errors = nothing,
                                      .worker = nothing,
                                      .group = shown,
                                      .n_group = n};
    return item;
}

// ---- kept

static bool lies_in(const void *at, size_t len, const void *memory, size_t size)
{
    uintptr_t from = (uintptr_t)memory, to = (uintptr_t)at;
    return memory && to >= from && to - from <= size && len <= size - (to - from);
}

static bool is_own_text(const struct fm_item *item, const char *text)
{
    return !text || text == nothing || lies_in(text, 1, item->texts, item->n_texts);
}

static bool is_own(const struct fm_item *item)
{
    const struct fm_result *r = &item->result;
    const struct slab *frame = item->frame;
    bool data = !r->size || lies_in(r->data, r->size, item->data.data, item->data.len) ||
                lies_in(r->data, r->size, item->texts, item->n_texts);
    bool input = !r->item || (frame && lies_in(r->item, r->item_size, frame->data, frame->len)) ||
                 lies_in(r->item, r->item_size, item->texts, item->n_texts);
    return data && input && is_own_text(item, r->error) && is_own_text(item, r->errors) &&
           is_own_text(item, r->worker);
}

static bool holds_much(const struct slab *slab, size_t needed)
{
    return slab && slab->len > HELD_MAX && slab->len / 2 > needed;
}

static struct fm_item *copy(const struct fm_item *from)
{
    const struct fm_result *r = &from->result;
    size_t error = r->error ? strlen(r->error) + 1 : 0;
    size_t errors = r->errors ? strlen(r->errors) + 1 : 0;
    size_t worker = r->worker ? strlen(r->worker) + 1 : 0;
    size_t item_size = r->item ? r->item_size : 0;
    size_t sizes[] = {r->size, item_size, error, errors, worker};
    struct fm_item *ret = item_new(r->size + item_size + error + errors + worker);
    if (!ret)
        return NULL;
    ret->result = *r;
    const void **fields[] = {&ret->result.data, &ret->result.item,
                             (const void **)&ret->result.error, (const void **)&ret->result.errors,
                             (const void **)&ret->result.worker};
    char *at = ret->texts;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        if (!*fields[i] || !sizes[i])
            continue;
        memcpy(at, *fields[i], sizes[i]);
        *fields[i] = at;
        at += sizes[i];
    }
    return ret;
}

struct fm_item *fm_item_keep(struct fm_item *item)
{
    if (is_own(item) && !holds_much(item->data.slab, item->result.size) &&
        !holds_much(item->frame, item->result.item_size))
        return item;
    struct fm_item *kept = copy(item);
    if (kept) {
        kept->group = item->group;
        item->group = NULL;
    }
    fm_item_drop(item);
    return kept;
}
