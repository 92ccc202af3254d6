#include "worker/executor/input.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "pipelines/frame.h"
#include "pipelines/input/matrix.h"
#include "pipelines/rows.h"
#include "pipelines/source/extent.h"

#define KEEP_BYTES (1u << 20)
#define NUMBER_BYTES 21 // "-9223372036854775808" and a NUL

void input_init(struct input *in)
{
    *in = (struct input){0};
    buf_init(&in->index, 0);
    buf_init(&in->text, EXTENT_BYTES_MAX + 1);
    buf_init(&in->joined, 0);
}

void input_done(struct input *in)
{
    buf_done(&in->index);
    buf_done(&in->text);
    buf_done(&in->joined);
}

void input_trim(struct input *in)
{
    struct buf *bufs[] = {&in->index, &in->text, &in->joined};
    for (size_t i = 0; i < sizeof(bufs) / sizeof(bufs[0]); i++)
        if (bufs[i]->cap > KEEP_BYTES)
            buf_done(bufs[i]);
}

static int index_add(struct input *in, const uint8_t *at, size_t len)
{
    struct input_item item = {at, len};
    return buf_add(&in->index, &item, sizeof(item));
}

static int index_frames(struct input *in)
{
    struct frame_reader reader;
    frame_reader_init(&reader, in->data, in->len);
    const uint8_t *at;
    size_t len;
    int r;
    in->n_items = 0;
    while ((r = frame_next(&reader, &at, &len)) == 1) {
        r = index_add(in, at, len);
        if (r < 0)
            return r;
        in->n_items++;
    }
    if (r < 0)
        return r;
    // Each item's NUL goes where the next one's head was, which is not needed any more.
    const struct input_item *items = (const struct input_item *)in->index.data;
    for (size_t i = 0; i < in->n_items; i++)
        in->data[(size_t)(items[i].at - in->data) + items[i].len] = '\0';
    return 0;
}

static size_t number_put(char *out, int64_t value)
{
    char digits[NUMBER_BYTES];
    size_t n = 0;
    uint64_t left = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    do {
        digits[n++] = (char)('0' + left % 10);
        left /= 10;
    } while (left);
    size_t len = 0;
    if (value < 0)
        out[len++] = '-';
    while (n)
        out[len++] = digits[--n];
    out[len] = '\0';
    return len;
}

// Numbers become text only when an item is asked for: many kernels need the count alone.
static int index_numbers(struct input *in)
{
    buf_clear(&in->text);
    int r = buf_reserve(&in->text, in->n_items * NUMBER_BYTES);
    if (r == 0)
        r = buf_reserve(&in->index, in->n_items * sizeof(struct input_item));
    if (r < 0)
        return r;
    const struct range *range = &in->plan->source.range;
    uint64_t value = (uint64_t)range->start + in->item_first * (uint64_t)range->step;
    for (size_t i = 0; i < in->n_items; i++) {
        uint8_t *at = in->text.data + in->text.len;
        size_t len = number_put((char *)at, (int64_t)value);
        in->text.len += len + 1;
        r = index_add(in, at, len);
        if (r < 0)
            return r;
        value += (uint64_t)range->step;
    }
    return 0;
}

// The same for rows of a matrix.
static int index_rows(struct input *in)
{
    buf_clear(&in->text);
    for (size_t i = 0; i < in->n_items; i++) {
        size_t begin = in->text.len;
        int r = matrix_text(in->plan->source.matrix, in->item_first + i, &in->text);
        if (r == 0)
            r = buf_add(&in->text, "", 1);
        if (r == 0)
            r = index_add(in, NULL, in->text.len - begin - 1);
        if (r < 0) {
            buf_clear(&in->index);
            return r;
        }
    }
    // The texts stay where they are now.
    struct input_item *items = (struct input_item *)(void *)in->index.data;
    const uint8_t *at = in->text.data;
    for (size_t i = 0; i < in->n_items; i++) {
        items[i].at = at;
        at += items[i].len + 1;
    }
    return 0;
}

static uint64_t described(const struct source *source)
{
    if (source->kind == SOURCE_MATRIX)
        return matrix_count(source->matrix);
    return source->kind == SOURCE_RANGE ? source->range.count : 0;
}

static int read_extent(struct input *in, struct err *err)
{
    struct extent extent;
    int r = extent_get(in->data, in->len, &extent);
    if (r < 0)
        return err_set(err, r, "invalid description of a part of a file");
    buf_clear(&in->text);
    r = extent_check(&extent, in->plan->directory, &in->seen, err);
    if (r < 0)
        return r;
    r = extent_read(&extent, &in->plan->source.separator, in->plan->directory, &in->text, err);
    if (r < 0)
        return r;
    in->has_no_record = r == EXTENT_NO_RECORD;
    r = buf_reserve(&in->text, 1);
    if (r < 0)
        return err_sys(err, r, "part of a file");
    in->text.data[in->text.len] = '\0';
    in->n_items = 1;
    in->is_data = true;
    return index_add(in, in->text.data, in->text.len);
}

int input_open(struct input *in, const struct plan *plan, const struct input_chunk *chunk,
               struct err *err)
{
    in->kind = chunk->kind;
    in->plan = plan;
    in->item_first = chunk->item_first;
    in->is_data = chunk->is_data;
    in->data = chunk->data;
    in->len = chunk->len;
    in->joined_made = false;
    in->out_of_memory = false;
    in->has_no_record = false;
    buf_clear(&in->index);
    int r;
    switch (chunk->kind) {
    case RUN_RANGE:
        in->n_items = chunk->n_items;
        in->is_data = false;
        if (chunk->item_first >= described(&plan->source) ||
            chunk->n_items > described(&plan->source) - chunk->item_first)
            return err_set(err, -EPROTO, "items %" PRIu64 "+%" PRIu64 " lie outside the %s",
                           chunk->item_first, chunk->n_items,
                           plan->source.kind == SOURCE_MATRIX ? "matrix" : "range");
        return 0;
    case RUN_BYTES:
        in->n_items = 1;
        // What was read elsewhere of an extent; a result of a step before may be empty.
        in->has_no_record = in->is_data && in->len == 0 && plan->source.kind == SOURCE_DATA &&
                            !plan->source.separator.drops_end;
        in->data[in->len] = '\0';
        return index_add(in, in->data, in->len);
    case RUN_ITEMS:
        r = index_frames(in);
        return r < 0 ? err_sys(err, r, "invalid list of items") : 0;
    case RUN_EXTENT:
        return read_extent(in, err);
    default:
        return err_set(err, -EPROTO, "unknown kind of chunk");
    }
}

void input_open_bytes(struct input *in, uint8_t *data, size_t len)
{
    in->kind = RUN_BYTES;
    in->n_items = 1;
    in->is_data = true;
    in->data = data;
    in->len = len;
    in->joined_made = false;
    in->out_of_memory = false;
    buf_clear(&in->index);
    data[len] = '\0';
    if (index_add(in, data, len) < 0)
        in->out_of_memory = true;
}

static int index_described(struct input *in)
{
    return in->plan->source.kind == SOURCE_MATRIX ? index_rows(in) : index_numbers(in);
}

const struct input_item *input_item(struct input *in, size_t index)
{
    if (index >= in->n_items)
        return NULL;
    if (in->index.len == 0 && in->kind == RUN_RANGE && index_described(in) < 0)
        in->out_of_memory = true;
    if (in->out_of_memory)
        return NULL;
    return (const struct input_item *)in->index.data + index;
}

int input_row(struct input *in, size_t index, struct row *row)
{
    row_clear(row);
    if (!in->plan || !rows_have_fields(&in->plan->source))
        return 0;
    const struct input_item *item = input_item(in, index);
    return item ? row_of_item(&in->plan->source, in->item_first + index, item->at, item->len, row)
                : -ENOMEM;
}

static int join(struct input *in)
{
    buf_clear(&in->joined);
    for (size_t i = 0; i < in->n_items; i++) {
        const struct input_item *item = input_item(in, i);
        int r = item ? buf_reserve(&in->joined, item->len + 2) : -ENOMEM;
        if (r < 0)
            return r;
        buf_add(&in->joined, item->at, item->len);
        // Results of an earlier step are lines already, or blocks of lines.
        bool whole = in->is_data || (item->len && item->at[item->len - 1] == '\n');
        if (!whole)
            buf_add(&in->joined, "\n", 1);
    }
    int r = buf_reserve(&in->joined, 1);
    if (r == 0)
        in->joined.data[in->joined.len] = '\0';
    return r;
}

const void *input_data(struct input *in, size_t *ret_len)
{
    if (in->is_data && in->n_items == 1) {
        const struct input_item *item = input_item(in, 0);
        *ret_len = item ? item->len : 0;
        return item ? item->at : NULL;
    }
    if (!in->joined_made) {
        if (join(in) < 0) {
            in->out_of_memory = true;
            *ret_len = 0;
            return NULL;
        }
        in->joined_made = true;
    }
    *ret_len = in->joined.len;
    return in->joined.data;
}
