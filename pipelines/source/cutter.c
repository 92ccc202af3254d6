#include "pipelines/source/cutter.h"

#include <errno.h>
#include <string.h>

#include "pipelines/frame.h"

// Where a call's whole chunks go.
struct cut {
    struct buf *out;
    struct buf *lens;
    uint64_t *items;
};

void cutter_init(struct cutter *c, const struct cutter_rule *rule)
{
    *c = (struct cutter){.rule = *rule};
    if (rule->separator)
        separator_init(rule->separator, &c->separator);
}

void cutter_done(struct cutter *c)
{
    buf_done(&c->part);
    buf_done(&c->ready);
    c->ready_items = 0;
}

void cutter_set(struct cutter *c, const struct cutter_rule *rule)
{
    c->rule = *rule;
}

// Emits a chunk: what is ready, then `len` more bytes.
static int give(struct cutter *c, const void *data, size_t len, uint64_t items, struct cut *cut)
{
    size_t total = c->ready.len + len;
    if (total > CUTTER_CHUNK_MAX)
        return -EMSGSIZE;
    uint32_t total32 = (uint32_t)total;
    int r = buf_reserve(cut->out, total);
    if (r == 0)
        r = buf_add(cut->lens, &total32, sizeof(total32));
    if (r == 0)
        r = buf_add(cut->out, c->ready.data, c->ready.len);
    if (r == 0)
        r = buf_add(cut->out, data, len);
    if (r < 0)
        return r;
    buf_clear(&c->ready);
    c->ready_items = 0;
    c->items += items;
    c->bytes += total;
    *cut->items += items;
    return 0;
}

static int give_items(struct cutter *c, struct cut *cut)
{
    return give(c, NULL, 0, c->ready_items, cut);
}

static int add_item(struct cutter *c, const void *item, size_t len, struct cut *cut)
{
    if (len > FRAME_ITEM_MAX)
        return -EMSGSIZE;
    if (c->rule.items == 1)
        return give(c, item, len, 1, cut);
    if (c->ready.len + FRAME_HEAD_BYTES + len > CUTTER_CHUNK_MAX)
        return -EMSGSIZE;
    int r = frame_add(&c->ready, item, len);
    if (r < 0)
        return r;
    c->ready_items++;
    return c->ready_items == c->rule.items ? give_items(c, cut) : 0;
}

// The rule became smaller than the chunk being filled: its items are cut again, so that every
// chunk has exactly the shape of the rule.
static int regroup(struct cutter *c, struct cut *cut)
{
    if (c->rule.items == 0 || c->ready_items < c->rule.items)
        return 0;
    struct buf old = c->ready;
    c->ready = (struct buf){0};
    c->ready_items = 0;
    struct frame_reader reader;
    frame_reader_init(&reader, old.data, old.len);
    const uint8_t *item;
    size_t len;
    int r = 0;
    while (r == 0 && frame_next(&reader, &item, &len) == 1)
        r = add_item(c, item, len, cut);
    buf_done(&old);
    return r;
}

static int add_trimmed(struct cutter *c, const uint8_t *item, size_t len, struct cut *cut)
{
    const char *text = (const char *)item;
    len -= c->rule.trims_cr && len && item[len - 1] == '\r';
    if (c->rule.trims)
        text = row_trim(c->rule.trims, text, &len);
    return add_item(c, text, len, cut);
}

static int feed_items(struct cutter *c, const uint8_t *at, size_t len, struct cut *cut)
{
    int r = regroup(c, cut);
    while (r == 0 && len) {
        const uint8_t *end = memchr(at, c->rule.end, len);
        size_t n = end ? (size_t)(end - at) : len;
        if (n > FRAME_ITEM_MAX || c->part.len > FRAME_ITEM_MAX - n)
            return -EMSGSIZE;
        if (!end)
            return buf_add(&c->part, at, n);
        if (c->part.len) {
            r = buf_add(&c->part, at, n);
            if (r == 0)
                r = add_trimmed(c, c->part.data, c->part.len, cut);
            buf_clear(&c->part);
        } else {
            r = add_trimmed(c, at, n, cut);
        }
        at += n + 1;
        len -= n + 1;
    }
    return r;
}

static bool data_is_full(const struct cutter *c, size_t len)
{
    return (c->rule.items && c->ready_items >= c->rule.items) ||
           (c->rule.bytes && len >= c->rule.bytes);
}

// The record at the end has no room: those before it become a chunk.
static int shed_records(struct cutter *c, struct cut *cut)
{
    const uint8_t *end = c->rule.items ? NULL : memrchr(c->ready.data, c->rule.end, c->ready.len);
    if (!end)
        return -EMSGSIZE;
    size_t whole = (size_t)(end - c->ready.data) + 1;
    struct buf rest = {0};
    int r = buf_add(&rest, end + 1, c->ready.len - whole);
    c->ready.len = whole;
    if (r == 0)
        r = give(c, NULL, 0, 1, cut);
    if (r == 0)
        r = buf_add(&c->ready, rest.data, rest.len);
    buf_done(&rest);
    return r;
}

static int feed_data(struct cutter *c, const uint8_t *data, size_t len, struct cut *cut)
{
    size_t start = 0; // of this chunk's part of `data`
    size_t at = 0;
    while (at < len) {
        if (!c->rule.items) {
            // Only the first record end at or past the size matters: what precedes it is skipped.
            uint64_t have = c->ready.len + (at - start);
            uint64_t skip = c->rule.bytes > have ? c->rule.bytes - have - 1 : 0;
            if (!c->rule.bytes || skip >= len - at)
                break;
            at += skip;
        }
        const uint8_t *end = memchr(data + at, c->rule.end, len - at);
        if (!end)
            break;
        at = (size_t)(end - data) + 1;
        c->ready_items++;
        if (!data_is_full(c, c->ready.len + (at - start)))
            continue;
        int r = give(c, data + start, at - start, 1, cut);
        if (r < 0)
            return r;
        start = at;
    }
    int r = 0;
    if (c->ready.len + (len - start) > CUTTER_CHUNK_MAX)
        r = shed_records(c, cut);
    return r < 0 ? r : buf_add(&c->ready, data + start, len - start);
}

// Emits the chunk in `ready` from `begin` on, after the header and without dropped ends.
static int give_separated(struct cutter *c, size_t begin, size_t len, struct cut *cut)
{
    size_t total = c->rule.header_len + len;
    int r = total > CUTTER_CHUNK_MAX ? -EMSGSIZE : buf_reserve(cut->out, total);
    if (r < 0)
        return r;
    uint8_t *at = cut->out->data + cut->out->len;
    if (c->rule.header_len)
        memcpy(at, c->rule.header, c->rule.header_len);
    memcpy(at + c->rule.header_len, c->ready.data + begin, len);
    total -= len - separator_strip(c->rule.separator, at + c->rule.header_len, len);
    uint32_t total32 = (uint32_t)total;
    r = buf_add(cut->lens, &total32, sizeof(total32));
    if (r < 0)
        return r;
    cut->out->len += total;
    c->ready_items = 0;
    c->bytes += len;
    c->items++;
    *cut->items += 1;
    return 0;
}

static void drop_separated(struct cutter *c, size_t len)
{
    buf_consume(&c->ready, len);
    c->next -= len < c->next ? len : c->next;
    c->searched -= len < c->searched ? len : c->searched;
}

// As shed_records.
static int shed_separated(struct cutter *c, struct cut *cut)
{
    size_t last = 0, found = 0;
    while (!c->rule.items && found != SEPARATOR_NONE) {
        last = found;
        found = separator_find(&c->separator, c->ready.data, c->ready.len,
                               separator_after(&c->separator, found));
    }
    if (!last)
        return -EMSGSIZE;
    int r = give_separated(c, 0, last, cut);
    drop_separated(c, last);
    return r;
}

static int feed_separated(struct cutter *c, const uint8_t *data, size_t len, struct cut *cut)
{
    size_t begin = 0; // of the chunk being filled
    int r = buf_add(&c->ready, data, len);
    while (r == 0) {
        size_t least = separator_after(&c->separator, c->ready_items ? c->next : begin);
        if (!c->rule.items && c->rule.bytes > least - begin)
            least = begin + (size_t)c->rule.bytes;
        size_t from = least > c->searched ? least : c->searched;
        size_t found = from < c->ready.len
                           ? separator_find(&c->separator, c->ready.data, c->ready.len, from)
                           : SEPARATOR_NONE;
        if (found == SEPARATOR_NONE) {
            // Looked through but for what may be half a separator.
            size_t half = c->separator.len - c->separator.cut;
            if (c->ready.len > half && c->ready.len - half > from)
                c->searched = c->ready.len - half;
            break;
        }
        c->next = c->searched = found;
        c->ready_items++;
        if (c->rule.items ? c->ready_items < c->rule.items : !c->rule.bytes)
            continue;
        r = give_separated(c, begin, found - begin, cut);
        begin = found;
    }
    if (begin)
        drop_separated(c, begin);
    return r == 0 && c->rule.header_len + c->ready.len > CUTTER_CHUNK_MAX ? shed_separated(c, cut)
                                                                          : r;
}

int cutter_add(struct cutter *c, const void *item, size_t len, struct buf *out, struct buf *lens,
               uint64_t *ret_items)
{
    struct cut cut = {out, lens, ret_items};
    int r = regroup(c, &cut);
    return r < 0 ? r : add_item(c, item, len, &cut);
}

int cutter_feed(struct cutter *c, const void *data, size_t len, struct buf *out, struct buf *lens,
                uint64_t *ret_items)
{
    struct cut cut = {out, lens, ret_items};
    if (c->rule.separator)
        return feed_separated(c, data, len, &cut);
    return c->rule.as_items ? feed_items(c, data, len, &cut) : feed_data(c, data, len, &cut);
}

int cutter_flush(struct cutter *c, struct buf *out, struct buf *lens, uint64_t *ret_items)
{
    struct cut cut = {out, lens, ret_items};
    if (!c->rule.as_items)
        return 0;
    int r = regroup(c, &cut);
    return r == 0 && c->ready_items ? give_items(c, &cut) : r;
}

int cutter_end(struct cutter *c, struct buf *out, struct buf *lens, uint64_t *ret_items)
{
    struct cut cut = {out, lens, ret_items};
    if (c->rule.separator)
        return c->ready.len ? give_separated(c, 0, c->ready.len, &cut) : 0;
    if (!c->rule.as_items)
        return c->ready.len ? give(c, NULL, 0, 1, &cut) : 0;
    int r = regroup(c, &cut);
    if (r == 0 && c->part.len)
        r = add_trimmed(c, c->part.data, c->part.len, &cut);
    buf_clear(&c->part);
    return r == 0 && c->ready_items ? give_items(c, &cut) : r;
}
