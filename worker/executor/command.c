#include "worker/executor/command.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/cleanup.h"
#include "worker/executor/program.h"
#include "worker/executor/tag.h"
#include "worker/page.h"

static int close_item(struct output *out, size_t begin)
{
    uint32_t len = (uint32_t)(out->body.len - begin);
    out->n++;
    return buf_add(&out->lens, &len, sizeof(len));
}

static int tag_output(struct chunk_run *c, const struct program_item *run, size_t begin,
                      struct output *out)
{
    _cleanup_(buf_done)
    struct buf items = {0};
    int r = 0;
    // All that the command was given, in the words of its command line.
    for (size_t i = 0; i < run->taken && run->taken > 1 && r == 0; i++) {
        const struct input_item *item = input_item(&c->first, run->batch_at + i);
        r = item && i ? buf_add(&items, " ", 1) : 0;
        if (r == 0)
            r = item ? buf_add(&items, item->at, item->len) : -ENOMEM;
    }
    if (r == 0 && items.data)
        r = tag_lines(&out->body, begin, items.data, items.len);
    else if (r == 0)
        r = tag_lines(&out->body, begin, run->item ? run->item : "", run->item ? run->item_len : 0);
    if (r == -ENOBUFS)
        return chunk_run_fail(c, OUTCOME_LIMIT, r, "its output is larger than %llu MiB",
                              PROTO_RESULT_MAX >> 20);
    return r < 0 ? chunk_run_fail(c, OUTCOME_LIMIT, r, "no memory for the chunk's results") : 0;
}

// Once for each item, or for as many as fit. After a stage that gave one output for each item, each
// gets its own on stdin; after one that made a single piece of them, it runs once, named after
// the first item.
int command_run(struct chunk_run *c, struct recipe_stage *s, struct output *before,
                struct output *out)
{
    size_t runs = c->first.n_items;
    bool each = before && before->n == runs && before->lens.len == runs * sizeof(uint32_t);
    if (before && !each)
        runs = 1;
    const uint8_t *given = before ? before->body.data : NULL;
    for (size_t i = 0; i < runs;) {
        if (page_cancelled(c->page, c->serial))
            return chunk_run_fail(c, OUTCOME_CANCELLED, 0, "cancelled");
        const struct input_item *item = input_item(&c->first, i);
        if (!item && c->first.n_items)
            return chunk_run_fail(c, OUTCOME_LIMIT, -ENOMEM, "no memory for the chunk's items");
        struct program_item run = {.item = item ? (const char *)item->at : NULL,
                                   .item_len = item ? item->len : 0,
                                   .row = &c->row,
                                   .seq = c->item_first + i + 1,
                                   .batch = &c->first,
                                   .batch_at = i};
        int r = input_row(&c->first, i, &c->row);
        if (r < 0)
            return chunk_run_fail(c, OUTCOME_INPUT, r, "item %" PRIu64 " has no fields: %s",
                                  run.seq, strerror(-r));
        if (before) {
            uint32_t len = (uint32_t)before->body.len;
            if (each)
                memcpy(&len, before->lens.data + i * sizeof(len), sizeof(len));
            run.input = given;
            run.input_len = len;
            given += len;
        }
        size_t begin = out->body.len;
        c->tag = s->stage->has_tag ? run.item ? run.item : "" : NULL;
        c->tag_len = run.item_len;
        int failed = program_run(c, s, &run, out);
        c->tag = NULL;
        if (s->stage->has_tag && tag_output(c, &run, begin, out) < 0)
            return -1;
        if (failed < 0)
            return -1;
        if (close_item(out, begin) < 0)
            return chunk_run_fail(c, OUTCOME_LIMIT, -ENOMEM, "no memory for the chunk's results");
        i += run.taken;
    }
    return 0;
}
