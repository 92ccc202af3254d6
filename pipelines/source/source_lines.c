// Items are the lines of files or of standard input, or the rows of tables, read on demand.
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "pipelines/source/source_auto.h"
#include "pipelines/source/source_input.h"
#include "pipelines/source/source_kinds.h"
#include "pipelines/source/source_path.h"
#include "pipelines/source/source_queue.h"
#include "pipelines/source/source_rows.h"

#define AUTO_FEED 1024u // bytes cut at a time while chunks of CHUNK_AUTO have one item

struct lines {
    struct source_reader base;
    struct cutter cutter;
    struct source_rows *rows; // csv: finds where items end; NULL: the cutter does
    struct source_queue queue;
    struct auto_items growth;
    size_t path;             // of the plan's paths: the one being read, or the next
    struct source_input *in; // NULL: between files
    const uint8_t *block;    // what was read of it and not cut yet
    size_t block_len;
    bool cut_all;
    int failed; // negative errno: the chunks cut before it come first
    struct err why;
};

static bool is_auto(const struct lines *l)
{
    return l->base.plan->steps[0].chunking.rule == CHUNK_AUTO;
}

static const char *path_of(const struct lines *l)
{
    const struct source *s = &l->base.plan->source;
    return l->path < s->n_texts ? s->texts[l->path] : s->texts[s->n_texts - 1];
}

// Ends a call of the cutter: the queue learns what its chunks look like.
static int queued(struct lines *l, int r, uint64_t items, struct err *err)
{
    if (r < 0)
        return source_cut_error(err, r, path_of(l), &l->cutter);
    l->queue.kind = l->cutter.rule.items == 1 ? RUN_BYTES : RUN_ITEMS;
    l->queue.items_per_chunk = l->cutter.rule.items;
    l->queue.item_end = l->queue.item_at + items;
    return 0;
}

static int feed(struct lines *l, const void *data, size_t len, struct err *err)
{
    uint64_t items = 0;
    struct cut_into into = {&l->cutter, &l->queue.out, &l->queue.lens, &items};
    if (l->rows) {
        int r = source_rows_feed(l->rows, data, len, &into, err);
        queued(l, 0, items, err);
        return r;
    }
    int r = cutter_feed(&l->cutter, data, len, &l->queue.out, &l->queue.lens, &items);
    return queued(l, r, items, err);
}

static int end_rows(struct lines *l, struct err *err)
{
    uint64_t items = 0;
    struct cut_into into = {&l->cutter, &l->queue.out, &l->queue.lens, &items};
    int r = source_rows_end(l->rows, &into, err);
    queued(l, 0, items, err);
    return r;
}

static int flush(struct lines *l, struct err *err)
{
    uint64_t items = 0;
    int r = cutter_flush(&l->cutter, &l->queue.out, &l->queue.lens, &items);
    return queued(l, r, items, err);
}

// A last line without its end is a line, and does not continue in the next file.
static int end_file(struct lines *l, struct err *err)
{
    l->in = source_input_close(l->in);
    int r = l->rows              ? end_rows(l, err)
            : l->cutter.part.len ? feed(l, &l->cutter.rule.end, 1, err)
                                 : 0;
    l->path++;
    return r;
}

static int end_all(struct lines *l, struct err *err)
{
    uint64_t items = 0;
    l->cut_all = true;
    int r = cutter_end(&l->cutter, &l->queue.out, &l->queue.lens, &items);
    return queued(l, r, items, err);
}

// Cuts what was read; only a little while chunks are small, for the next ones may be larger.
static int cut(struct lines *l, struct err *err)
{
    const uint8_t *data = l->block;
    size_t len = l->block_len;
    if (is_auto(l) && l->growth.items < SOURCE_BLOCK / AUTO_FEED &&
        len > AUTO_FEED * (size_t)l->growth.items)
        len = AUTO_FEED * (size_t)l->growth.items;
    l->block += len;
    l->block_len -= len;
    return feed(l, data, len, err);
}

// Cuts or reads one more block; the queue may have chunks then.
static int advance(struct lines *l, struct err *err)
{
    const struct source *s = &l->base.plan->source;
    if (l->block_len)
        return cut(l, err);
    if (!l->in && l->path == s->n_texts)
        return end_all(l, err);
    if (is_auto(l) && l->cutter.ready_items && cutter_held(&l->cutter) > AUTO_ITEMS_BYTES)
        return flush(l, err);
    if (!l->in) {
        int r = source_input_open(l->base.plan, s->texts[l->path], &l->in, err);
        if (r < 0)
            return r;
        if (s->delimiter == '\n')
            source_input_is_text(l->in);
        if (l->rows)
            source_rows_begin(l->rows, s->texts[l->path]);
    }
    ssize_t n = source_input_read(l->in, &l->block, err);
    if (n == -EAGAIN) {
        // Items should not wait for a slow writer to fill their chunk.
        if (is_auto(l) && l->cutter.ready_items)
            return flush(l, err);
        return -EAGAIN;
    }
    if (n < 0)
        return (int)n;
    if (n == 0)
        return end_file(l, err);
    l->block_len = (size_t)n;
    return cut(l, err);
}

static int lines_next(struct source_reader *base, const struct source_want *want, struct run *run,
                      struct err *err)
{
    struct lines *l = (struct lines *)base;
    if (l->failed && source_queue_empty(&l->queue)) {
        *err = l->why;
        return l->failed;
    }
    if (is_auto(l) && source_queue_empty(&l->queue)) {
        struct cutter_rule rule = l->cutter.rule;
        rule.items = auto_items_next(&l->growth, want, UINT64_MAX);
        cutter_set(&l->cutter, &rule);
    }
    while (source_queue_empty(&l->queue)) {
        if (l->cut_all)
            return 0;
        int r = advance(l, err);
        if (r < 0 && r != -EAGAIN) {
            l->failed = r;
            l->why = *err;
            // Whole items that wait for others of their chunk; half an item is none.
            if (r != -ENOMEM)
                flush(l, err);
            *err = l->why;
        }
        if (r < 0 && source_queue_empty(&l->queue))
            return r;
    }
    int r = source_queue_take(&l->queue, want, run);
    if (r < 0)
        return err_sys(err, r, "the source");
    l->growth.chunks += run->count;
    return 1;
}

static int lines_fd(const struct source_reader *base)
{
    const struct lines *l = (const struct lines *)base;
    return l->in ? source_input_fd(l->in) : -1;
}

static uint64_t lines_total(const struct source_reader *base)
{
    (void)base;
    return UINT64_MAX;
}

static void lines_close(struct source_reader *base)
{
    struct lines *l = (struct lines *)base;
    source_input_close(l->in);
    cutter_done(&l->cutter);
    source_rows_free(l->rows);
    source_queue_done(&l->queue);
    free(l);
}

static const struct source_ops lines_ops = {
    .next = lines_next, .fd = lines_fd, .total = lines_total, .close = lines_close};

int source_open_lines(const struct plan *plan, struct source_reader **ret, struct err *err)
{
    const struct chunking *rule = &plan->steps[0].chunking;
    if (rule->rule == CHUNK_PARTS)
        return err_set(err, -EINVAL,
                       "chunk.parts: the number of lines is not known in advance; use items");
    if ((rule->rule != CHUNK_AUTO && rule->rule != CHUNK_ITEMS && rule->rule != CHUNK_LINES) ||
        (rule->rule != CHUNK_AUTO && rule->n == 0))
        return err_set(err, -EINVAL, "chunk: this source produces items; use items or auto");
    for (size_t i = 0; i < plan->source.n_texts; i++) {
        struct stat st;
        int r = source_look_path(plan, plan->source.texts[i], &st, err);
        if (r < 0)
            return r;
    }
    int r = source_check_names(plan, plan->source.texts, plan->source.n_texts, err);
    if (r < 0)
        return r;
    struct lines *l = calloc(1, sizeof(*l));
    if (!l)
        return err_sys(err, -ENOMEM, "the source");
    if (plan->source.kind == SOURCE_CSV && !(l->rows = source_rows_new(&plan->source))) {
        free(l);
        return err_sys(err, -ENOMEM, "the source");
    }
    l->base = (struct source_reader){.ops = &lines_ops, .plan = plan};
    l->growth.items = 1;
    l->cut_all = plan->source.n_texts == 0;
    struct cutter_rule cut = {.as_items = true,
                              .items = rule->rule == CHUNK_AUTO ? 1 : rule->n,
                              .end = plan->source.delimiter,
                              .trims_cr = plan->source.delimiter == '\n' && !plan->source.keeps_cr,
                              .trims = plan->source.rows.trims};
    cutter_init(&l->cutter, &cut);
    *ret = &l->base;
    return 0;
}
