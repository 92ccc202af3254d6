// What a source gives, as text.
#pragma once
#include <criterion/criterion.h>
#include <string.h>

#include "pipelines/frame.h"
#include "pipelines/source/extent.h"
#include "pipelines/source/source.h"

static const struct source_want anything = {UINT64_MAX, UINT64_MAX, 0, 2};

// Everything that a source gives, as text: chunks between [ and ], items between commas.
struct seen {
    struct buf text;
    uint64_t chunks, items, runs;
    size_t largest; // payload of a run
    struct err err;
};

static inline void seen_done(struct seen *s)
{
    buf_done(&s->text);
}

static inline void see_chunk(struct seen *s, const struct plan *plan, const struct run *run,
                             uint64_t i, const uint8_t *data, size_t len)
{
    uint64_t items = run->items_per_chunk;
    if (i + 1 == run->count)
        items = run->item_end - run->item_first - i * run->items_per_chunk;
    cr_assert(items >= 1 && items <= run->items_per_chunk);
    s->items += items;
    buf_add_str(&s->text, "[");
    if (run->kind == RUN_BYTES) {
        cr_assert_eq(items, 1);
        buf_add(&s->text, data, len);
    } else if (run->kind == RUN_EXTENT) {
        struct extent e;
        cr_assert_eq(extent_get(data, len, &e), 0);
        cr_assert_geq(extent_read(&e, &plan->source.separator, plan->directory, &s->text, &s->err),
                      0, "%s", s->err.text);
    } else {
        struct frame_reader r;
        const uint8_t *item;
        size_t item_len;
        uint64_t n = 0;
        frame_reader_init(&r, data, len);
        while (frame_next(&r, &item, &item_len) == 1) {
            buf_add(&s->text, ",", n++ > 0);
            buf_add(&s->text, item, item_len);
        }
        cr_assert_eq(n, items, "a chunk has %lu items, its run says %lu", n, items);
    }
    buf_add_str(&s->text, "]");
}

static inline int see(struct seen *s, const struct plan *plan, const struct source_want *want)
{
    seen_done(s);
    *s = (struct seen){0};
    struct source_reader *r;
    int result = source_open(plan, &r, &s->err);
    if (result < 0)
        return result;
    for (;;) {
        struct run run;
        result = source_next(r, want, &run, &s->err);
        if (result != 1)
            break;
        cr_assert(run.count >= 1 && run.count <= want->chunks);
        cr_assert_eq(run.item_first, s->items);
        cr_assert(run.count == 1 || run.body.len <= want->bytes);
        if (run.body.len > s->largest)
            s->largest = run.body.len;
        size_t at = 0;
        for (uint64_t i = 0; run.kind != RUN_RANGE && i < run.count; i++) {
            see_chunk(s, plan, &run, i, run.body.data + at, run.lens[i]);
            at += run.lens[i];
        }
        cr_assert_eq(at, run.body.len);
        if (run.kind == RUN_RANGE)
            s->items = run.item_end;
        s->chunks += run.count;
        s->runs++;
        run_done(&run);
    }
    if (result == 0) {
        struct run run;
        cr_assert_eq(source_next(r, want, &run, &s->err), 0, "the end stays");
        cr_assert_eq(source_total(r), s->chunks);
    }
    source_close(r);
    buf_add(&s->text, "", 1);
    return result;
}

#define expect_seen(s, words)                                                                      \
    cr_expect_str_eq((const char *)(s)->text.data, words, "got %s\nnot %s",                        \
                     (const char *)(s)->text.data, words)
#define expect_error(s, words)                                                                     \
    cr_expect(strstr((s)->err.text, words), "'%s' does not say '%s'", (s)->err.text, words)
