// The contents of files and of standard input, in pieces. Files that can be read at any position
// are only described: a piece is an extent, which the worker reads. Pipes and compressed files are
// read and cut here (source_stream.c).
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "pipelines/source/data_file.h"
#include "pipelines/source/extent.h"
#include "pipelines/source/paths.h"
#include "pipelines/source/separator_search.h"
#include "pipelines/source/source_auto.h"
#include "pipelines/source/source_kinds.h"
#include "pipelines/source/source_path.h"
#include "pipelines/source/source_queue.h"
#include "pipelines/source/source_stream.h"

#define INDEX_BYTES (8u << 20) // searched for `lines` in one call, once it has a chunk

struct data {
    struct source_reader base;
    struct paths paths;
    struct data_file *files; // as many as paths
    uint64_t total;          // bytes of all files
    uint64_t piece;          // bytes of a chunk; 0: not known yet (auto), or by lines
    size_t file;             // the one being cut
    uint64_t piece_at;       // its next piece
    uint64_t offset;         // `lines`: where its next piece begins
    int fd;                  // of `file`, for `lines`; -1
    struct separator_search search;
    struct source_stream *stream; // of `file`, when it is one; NULL: not open
    struct source_queue queue;
};

static const struct chunking *rule_of(const struct data *d)
{
    return &d->base.plan->steps[0].chunking;
}

static const char *path_of(const struct data *d)
{
    return d->paths.names[d->file];
}

static uint64_t divide_up(uint64_t a, uint64_t b)
{
    return a / b + (a % b != 0);
}

static uint64_t body_of(const struct data_file *f)
{
    return f->is_stream ? 0 : f->size - f->header;
}

// Pieces of one file that is cut by arithmetic.
static uint64_t pieces_of(const struct data *d, const struct data_file *f)
{
    uint64_t body = body_of(f);
    if (rule_of(d)->rule != CHUNK_PARTS || body == 0)
        return divide_up(body, d->piece);
    // The file's share of the parts, to the nearest; a piece never holds bytes of two files.
    unsigned __int128 share = (unsigned __int128)body * rule_of(d)->n + d->total / 2;
    uint64_t n = (uint64_t)(share / d->total);
    return n == 0 ? 1 : n < body ? n : body;
}

static uint64_t piece_begin(const struct data *d, const struct data_file *f, uint64_t pieces,
                            uint64_t i)
{
    if (i >= pieces)
        return f->size;
    if (rule_of(d)->rule != CHUNK_PARTS)
        return f->header + i * d->piece;
    return f->header + (uint64_t)((unsigned __int128)body_of(f) * i / pieces);
}

static void next_file(struct data *d)
{
    if (d->fd >= 0)
        close(d->fd);
    d->fd = -1;
    d->stream = source_stream_close(d->stream);
    d->file++;
    d->piece_at = 0;
    d->offset = d->file < d->paths.len ? d->files[d->file].header : 0;
}

// A run being made of extents.
struct extents {
    struct run *run;
    struct buf body;
    struct buf lens;
    size_t next_len; // bytes that the next extent of the same file may need
};
#define EXTENT_GROWS 16u // bytes by which the next of the same file may be longer

static void extents_done(struct extents *x)
{
    buf_done(&x->body);
    buf_done(&x->lens);
}

static int add_extent(struct data *d, struct extents *x, uint64_t offset, uint64_t length,
                      bool aligned, struct err *err)
{
    if (length > EXTENT_BYTES_MAX)
        return err_set(
            err, -EFBIG, "chunk: a piece of '%s' would have %llu bytes; at most %llu are allowed",
            path_of(d), (unsigned long long)length, (unsigned long long)EXTENT_BYTES_MAX);
    struct extent e = {.path = path_of(d),
                       .path_len = strlen(path_of(d)),
                       .offset = offset,
                       .length = length,
                       .aligned = aligned,
                       .header_bytes = d->files[d->file].header,
                       .file_size = d->files[d->file].size,
                       .mtime_ns = d->files[d->file].mtime_ns,
                       .fingerprint = d->files[d->file].fingerprint};
    size_t before = x->body.len;
    int r = extent_put(&x->body, &e);
    uint32_t len = (uint32_t)(x->body.len - before);
    if (r == 0)
        r = buf_add(&x->lens, &len, sizeof(len));
    if (r < 0)
        return err_sys(err, r, "the source");
    x->run->count++;
    x->next_len = len + EXTENT_GROWS;
    return 0;
}

static bool wanted(const struct extents *x, const struct source_want *want)
{
    return x->run->count == 0 ||
           (x->run->count < want->chunks && x->body.len + x->next_len <= want->bytes &&
            x->run->count < SOURCE_RUN_CHUNKS_MAX);
}

// Is the file still what it was when the source was opened?
static int check_file(const struct data *d, struct err *err)
{
    _close_ int fd = source_open_path(d->base.plan, path_of(d), err);
    if (fd < 0)
        return fd;
    struct stat st;
    if (fstat(fd, &st) < 0)
        return err_sys(err, -errno, "'%s'", path_of(d));
    if (S_ISREG(st.st_mode) && (uint64_t)st.st_size < d->files[d->file].size)
        return err_set(err, -ESTALE, "'%s' became shorter than %llu bytes", path_of(d),
                       (unsigned long long)d->files[d->file].size);
    return 0;
}

static int cut_by_size(struct data *d, const struct source_want *want, struct extents *x,
                       struct err *err)
{
    const struct data_file *f = &d->files[d->file];
    uint64_t pieces = pieces_of(d, f);
    int r = d->piece_at == 0 && pieces ? check_file(d, err) : 0;
    while (r == 0 && d->piece_at < pieces && wanted(x, want)) {
        uint64_t begin = piece_begin(d, f, pieces, d->piece_at);
        uint64_t end = piece_begin(d, f, pieces, d->piece_at + 1);
        r = add_extent(d, x, begin, (end < f->size ? end : f->size) - begin, true, err);
        if (r == 0)
            d->piece_at++;
    }
    if (r == 0 && d->piece_at == pieces)
        next_file(d);
    return r;
}

static int cut_by_lines(struct data *d, const struct source_want *want, struct extents *x,
                        struct err *err)
{
    uint64_t scanned = 0;
    if (d->fd < 0) {
        d->fd = source_open_path(d->base.plan, path_of(d), err);
        if (d->fd < 0)
            return d->fd;
    }
    while (d->offset < d->files[d->file].size && wanted(x, want)) {
        if (x->run->count && scanned >= INDEX_BYTES)
            return 0;
        uint64_t end = d->offset;
        int r = separator_search_end(&d->search, d->fd, path_of(d), d->files[d->file].size,
                                     d->offset, rule_of(d)->n, &end, err);
        scanned += end - d->offset;
        if (r == 0)
            r = add_extent(d, x, d->offset, end - d->offset, false, err);
        if (r < 0)
            return r;
        d->offset = end;
    }
    if (d->offset == d->files[d->file].size)
        next_file(d);
    return 0;
}

static int next_extents(struct data *d, const struct source_want *want, struct run *run,
                        struct err *err)
{
    _cleanup_(extents_done)
    struct extents x = {.run = run};
    *run = (struct run){.kind = RUN_EXTENT, .item_first = d->base.chunks, .items_per_chunk = 1};
    uint64_t scanned_files = 0;
    while (d->file < d->paths.len && !d->files[d->file].is_stream && wanted(&x, want)) {
        if (run->count && ++scanned_files >= SOURCE_RUN_CHUNKS_MAX)
            break;
        int r = rule_of(d)->rule == CHUNK_LINES ? cut_by_lines(d, want, &x, err)
                                                : cut_by_size(d, want, &x, err);
        if (r < 0) {
            // Chunks that are cut already come first; the next call fails again.
            if (run->count && r != -ENOMEM)
                break;
            run->count = 0;
            return r;
        }
        if (run->count && rule_of(d)->rule == CHUNK_LINES)
            break;
    }
    if (run->count == 0)
        return 0;
    run->item_end = run->item_first + run->count;
    int r = slice_copy(x.body.data, x.body.len, &run->body);
    if (r < 0)
        return err_sys(err, r, "the source");
    run->lens = (uint32_t *)(void *)take(x.lens.data);
    return 1;
}

static int next_stream(struct data *d, const struct source_want *want, struct run *run,
                       struct err *err)
{
    while (source_queue_empty(&d->queue)) {
        int r = 0;
        if (!d->stream) {
            d->queue.item_at = d->base.chunks;
            r = source_stream_open(d->base.plan, path_of(d), &d->stream, err);
        }
        if (r == 0)
            r = source_stream_advance(d->stream, &d->queue, err);
        if (r < 0)
            return r;
        if (r == 0) {
            next_file(d);
            if (source_queue_empty(&d->queue))
                return 0;
        }
    }
    int r = source_queue_take(&d->queue, want, run);
    return r < 0 ? err_sys(err, r, "the source") : 1;
}

static void choose_piece(struct data *d, const struct source_want *want)
{
    const struct chunking *rule = rule_of(d);
    if (rule->rule == CHUNK_BYTES) {
        d->piece = rule->n;
    } else if (rule->rule == CHUNK_PARTS) {
        d->piece = 1; // used for empty files alone: the parts are exact shares
    } else {
        uint64_t share = d->total / ((uint64_t)AUTO_PIECES * want->slots);
        d->piece = share < AUTO_PIECE_MIN   ? AUTO_PIECE_MIN
                   : share > AUTO_PIECE_MAX ? AUTO_PIECE_MAX
                                            : share;
    }
}

static int data_next(struct source_reader *base, const struct source_want *want, struct run *run,
                     struct err *err)
{
    struct data *d = (struct data *)base;
    if (d->piece == 0)
        choose_piece(d, want);
    for (;;) {
        int r;
        if (!source_queue_empty(&d->queue) ||
            (d->file < d->paths.len && d->files[d->file].is_stream))
            r = next_stream(d, want, run, err);
        else
            r = next_extents(d, want, run, err);
        if (r != 0 || d->file == d->paths.len)
            return r;
    }
}

static int data_fd(const struct source_reader *base)
{
    const struct data *d = (const struct data *)base;
    return d->stream ? source_stream_fd(d->stream) : -1;
}

static uint64_t data_total(const struct source_reader *base)
{
    const struct data *d = (const struct data *)base;
    uint64_t total = 0;
    if (rule_of(d)->rule == CHUNK_LINES || d->piece == 0)
        return UINT64_MAX;
    for (size_t i = 0; i < d->paths.len; i++) {
        if (d->files[i].is_stream)
            return UINT64_MAX;
        total += pieces_of(d, &d->files[i]);
    }
    return total;
}

static void data_close(struct source_reader *base)
{
    struct data *d = (struct data *)base;
    if (d->fd >= 0)
        close(d->fd);
    source_stream_close(d->stream);
    source_queue_done(&d->queue);
    paths_done(&d->paths);
    free(d->files);
    free(d);
}

static bool data_has_file(const struct source_reader *base, const char *path)
{
    const struct data *d = (const struct data *)base;
    for (size_t i = 0; i < d->paths.len; i++)
        if (strcmp(d->paths.names[i], path) == 0)
            return true;
    return false;
}

static const struct source_ops data_ops = {.next = data_next,
                                           .fd = data_fd,
                                           .total = data_total,
                                           .has_file = data_has_file,
                                           .close = data_close};

static int add_files(struct data *d, struct err *err)
{
    const struct source *source = &d->base.plan->source;
    for (size_t i = 0; i < source->n_texts; i++) {
        const char *text = source->texts[i];
        if (text[0] == '!')
            continue;
        int r = strcmp(text, "-") == 0 ? paths_add(&d->paths, text)
                                       : paths_glob(&d->paths, text, d->base.plan->directory, err);
        if (r < 0)
            return r;
    }
    paths_exclude(&d->paths, source);
    if (d->paths.len == 0 && source->n_texts)
        return err_set(err, -ENOENT, "excludes leave no file (searched from %s)",
                       d->base.plan->directory);
    int named = source_check_names(d->base.plan, d->paths.names, d->paths.len, err);
    if (named < 0)
        return named;
    d->files = calloc(d->paths.len + 1, sizeof(*d->files));
    if (!d->files)
        return err_sys(err, -ENOMEM, "the source");
    for (size_t i = 0; i < d->paths.len; i++) {
        int r = data_file_look(d->base.plan, d->paths.names[i], &d->files[i], err);
        if (r < 0)
            return r;
        d->total += body_of(&d->files[i]);
    }
    return 0;
}

int source_open_data(const struct plan *plan, struct source_reader **ret, struct err *err)
{
    const struct chunking *rule = &plan->steps[0].chunking;
    if (rule->rule == CHUNK_ITEMS || (rule->rule != CHUNK_AUTO && rule->n == 0))
        return err_set(err, -EINVAL,
                       "chunk: source.data produces data; use bytes, lines, parts or auto");
    const struct separator_rule *record = &plan->source.separator;
    if (rule->rule == CHUNK_LINES && !record->end_len && !record->start_len)
        return err_set(err, -EINVAL,
                       "record.end: must not be empty unless chunks are cut by bytes");
    struct data *d = calloc(1, sizeof(*d));
    if (!d)
        return err_sys(err, -ENOMEM, "the source");
    d->base = (struct source_reader){.ops = &data_ops, .plan = plan};
    d->fd = -1;
    separator_init(&plan->source.separator, &d->search.separator);
    int r = add_files(d, err);
    d->offset = r == 0 && d->paths.len ? d->files[0].header : 0;
    if (r < 0) {
        data_close(&d->base);
        return r;
    }
    *ret = &d->base;
    return 0;
}
