// Sources whose items are known from the start: a range, a list in the job file, names of files.
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "pipelines/frame.h"
#include "pipelines/input/matrix.h"
#include "pipelines/source/paths.h"
#include "pipelines/source/source_auto.h"
#include "pipelines/source/source_kinds.h"
#include "pipelines/source/source_queue.h"

struct counted_items {
    struct source_reader base;
    struct paths files;       // SOURCE_FILES owns its names
    char *const *texts;       // the items; NULL: a range or a matrix
    uint64_t count;           // items in all
    uint64_t at;              // next item
    struct auto_items growth; // CHUNK_AUTO
};

// Items of the next chunk, and how many chunks of exactly that size may follow one another.
static uint64_t next_size(struct counted_items *c, const struct source_want *want,
                          uint64_t *ret_chunks)
{
    const struct chunking *rule = &c->base.plan->steps[0].chunking;
    uint64_t remaining = c->count - c->at;
    uint64_t size = 1;
    *ret_chunks = UINT64_MAX;
    if (rule->rule == CHUNK_ITEMS) {
        size = rule->n;
    } else if (rule->rule == CHUNK_PARTS) {
        // The first count % n parts have one more item, which makes exactly n parts.
        uint64_t larger = c->count % rule->n;
        size = c->count / rule->n;
        if (c->base.chunks < larger) {
            size++;
            *ret_chunks = larger - c->base.chunks;
        }
    } else {
        size = auto_items_next(&c->growth, want, remaining);
    }
    return size < remaining ? size : remaining;
}

static int add_chunk(const struct counted_items *c, uint64_t first, uint64_t end, bool raw,
                     struct buf *body)
{
    int r = 0;
    for (uint64_t i = first; r == 0 && i < end; i++) {
        size_t len = strlen(c->texts[i]);
        r = raw ? buf_add(body, c->texts[i], len) : frame_add(body, c->texts[i], len);
    }
    return r;
}

static int fill(const struct counted_items *c, const struct source_want *want, uint64_t size,
                uint64_t chunks, struct run *run, struct err *err)
{
    _cleanup_(buf_done)
    struct buf body = {0};
    run->kind = size == 1 ? RUN_BYTES : RUN_ITEMS;
    run->lens = calloc(chunks, sizeof(*run->lens));
    if (!run->lens)
        return err_sys(err, -ENOMEM, "source");
    while (run->count < chunks) {
        uint64_t first = run->item_first + run->count * size;
        uint64_t end = c->count - first > size ? first + size : c->count;
        size_t before = body.len;
        int r = add_chunk(c, first, end, size == 1, &body);
        if (r == 0 && body.len - before > CUTTER_CHUNK_MAX)
            r = -EMSGSIZE;
        if (r < 0 && run->count == 0)
            return err_sys(err, r, "source: no room in one chunk for items %llu to %llu",
                           (unsigned long long)first + 1, (unsigned long long)end);
        if (r < 0 || (run->count && body.len > want->bytes)) {
            body.len = before;
            break;
        }
        run->lens[run->count++] = (uint32_t)(body.len - before);
        run->item_end = end;
    }
    int r = slice_copy(body.data, body.len, &run->body);
    return r < 0 ? err_sys(err, r, "source") : 0;
}

static int counted_next(struct source_reader *base, const struct source_want *want, struct run *run,
                        struct err *err)
{
    struct counted_items *c = (struct counted_items *)base;
    if (c->at == c->count)
        return 0;
    uint64_t chunks;
    uint64_t size = next_size(c, want, &chunks);
    uint64_t remaining = c->count - c->at;
    uint64_t left = remaining / size + (remaining % size != 0);
    if (chunks > left)
        chunks = left;
    if (chunks > want->chunks)
        chunks = want->chunks;
    run->item_first = c->at;
    run->items_per_chunk = size;
    if (c->texts) {
        if (chunks > SOURCE_RUN_CHUNKS_MAX)
            chunks = SOURCE_RUN_CHUNKS_MAX;
        int r = fill(c, want, size, chunks, run, err);
        if (r < 0)
            return r;
    } else {
        run->kind = RUN_RANGE;
        run->count = chunks;
        run->item_end = chunks == left ? c->count : c->at + chunks * size;
    }
    c->at = run->item_end;
    c->growth.chunks += run->count;
    return 1;
}

static uint64_t counted_total(const struct source_reader *base)
{
    const struct counted_items *c = (const struct counted_items *)base;
    const struct chunking *rule = &base->plan->steps[0].chunking;
    if (c->count == 0)
        return 0;
    if (rule->rule == CHUNK_ITEMS)
        return c->count / rule->n + (c->count % rule->n != 0);
    if (rule->rule == CHUNK_PARTS)
        return rule->n < c->count ? rule->n : c->count;
    return UINT64_MAX;
}

static void counted_close(struct source_reader *base)
{
    struct counted_items *c = (struct counted_items *)base;
    paths_done(&c->files);
    free(c);
}

static const struct source_ops counted_ops = {
    .next = counted_next, .total = counted_total, .close = counted_close};

// A name that begins with '-' would be taken for an option.
static int guard_dash(char **name)
{
    if ((*name)[0] != '-')
        return 0;
    char *guarded;
    if (asprintf(&guarded, "./%s", *name) < 0)
        return -ENOMEM;
    free(*name);
    *name = guarded;
    return 0;
}

static int find_files(struct counted_items *c, struct err *err)
{
    const struct plan *plan = c->base.plan;
    const struct source *source = &plan->source;
    for (size_t i = 0; i < source->n_texts; i++) {
        if (source->texts[i][0] == '!')
            continue;
        int r = paths_glob(&c->files, source->texts[i], plan->directory, err);
        if (r < 0)
            return err_wrap(err, r, "source.files");
    }
    paths_exclude(&c->files, source);
    paths_sort(&c->files, 0, true);
    if (c->files.len == 0)
        return err_set(err, -ENOENT, "source.files: excludes leave no file (searched from %s)",
                       plan->directory);
    _close_ int dir = open(plan->directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0)
        return err_sys(err, -errno, "'%s'", plan->directory);
    for (size_t i = 0; i < c->files.len; i++) {
        if (faccessat(dir, c->files.names[i], R_OK, AT_EACCESS) < 0)
            return err_sys(err, -errno, "source.files: '%s'", c->files.names[i]);
        if (guard_dash(&c->files.names[i]) < 0)
            return err_sys(err, -ENOMEM, "source.files");
    }
    c->texts = c->files.names;
    c->count = c->files.len;
    return 0;
}

int source_open_counted(const struct plan *plan, struct source_reader **ret, struct err *err)
{
    const struct chunking *rule = &plan->steps[0].chunking;
    if (rule->rule == CHUNK_BYTES || rule->rule == CHUNK_LINES ||
        (rule->rule != CHUNK_AUTO && rule->n == 0))
        return err_set(err, -EINVAL, "chunk: this source produces items; use items, parts or auto");
    struct counted_items *c = calloc(1, sizeof(*c));
    if (!c)
        return err_sys(err, -ENOMEM, "source");
    c->base = (struct source_reader){.ops = &counted_ops, .plan = plan};
    c->growth.items = 1;
    int r = 0;
    if (plan->source.kind == SOURCE_FILES) {
        r = find_files(c, err);
    } else if (plan->source.kind == SOURCE_ITEMS) {
        c->texts = plan->source.texts;
        c->count = plan->source.n_texts;
    } else if (plan->source.kind == SOURCE_MATRIX) {
        c->count = matrix_count(plan->source.matrix);
        c->growth.items = AUTO_RANGE_ITEMS;
    } else {
        c->count = plan->source.range.count;
        c->growth.items = AUTO_RANGE_ITEMS;
    }
    if (r < 0) {
        counted_close(&c->base);
        return r;
    }
    *ret = &c->base;
    return 0;
}
