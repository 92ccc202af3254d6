#include "pipelines/source_stream.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "pipelines/record.h"

#define PIECE_STREAM (1u << 20) // CHUNK_AUTO

struct source_stream {
    const struct plan *plan;
    const char *path;
    int fd;
    struct unpacker *unpacker; // NULL: its bytes are plain
    struct cutter cutter;
    struct buf header; // lines, or their part so far
    bool header_done;
    uint8_t raw[SOURCE_BLOCK];
    uint8_t plain[SOURCE_BLOCK];
};

static void start_cutter(struct source_stream *s)
{
    const struct chunking *rule = &s->plan->steps[0].chunking;
    const struct record_rule *record = &s->plan->source.record;
    struct cutter_rule cut = {.record_end = (uint8_t)record->end[0],
                              .header = s->header.data,
                              .header_len = s->header.len};
    if (!record_is_simple(record))
        cut.record = record;
    if (rule->rule == CHUNK_LINES)
        cut.items = rule->n;
    else
        cut.bytes = rule->rule == CHUNK_AUTO ? PIECE_STREAM : rule->n;
    cutter_init(&s->cutter, &cut);
    s->header_done = true;
}

int source_stream_open(const struct plan *plan, const char *path, enum unpack_kind packed,
                       struct source_stream **ret, struct err *err)
{
    _close_ int fd = source_open_path(plan, path, err);
    if (fd < 0)
        return err_wrap(err, fd, "source.data");
    struct source_stream *s = calloc(1, sizeof(*s));
    if (!s || (packed && unpacker_new(packed, &s->unpacker) < 0)) {
        free(s);
        return err_sys(err, -ENOMEM, "source.data: '%s'", path);
    }
    s->plan = plan;
    s->path = path;
    s->fd = take_fd(fd);
    if (!plan->source.record.header_lines)
        start_cutter(s);
    *ret = s;
    return 0;
}

struct source_stream *source_stream_close(struct source_stream *s)
{
    if (!s)
        return NULL;
    close(s->fd);
    unpacker_free(s->unpacker);
    cutter_done(&s->cutter);
    buf_done(&s->header);
    free(s);
    return NULL;
}

int source_stream_fd(const struct source_stream *s)
{
    return s->fd;
}

static int tell(const struct source_stream *s, int code, struct err *err)
{
    return err_sys(err, code, "source.data: '%s'", s->path);
}

static int queued(struct source_stream *s, struct source_queue *q, int r, uint64_t items,
                  struct err *err)
{
    if (r < 0)
        return source_cut_error(err, r, s->path);
    q->kind = RUN_BYTES;
    q->items_per_chunk = 1;
    q->item_end = q->item_at + items;
    return 1;
}

static int cut(struct source_stream *s, struct source_queue *q, const void *data, size_t len,
               struct err *err)
{
    uint64_t items = 0;
    int r = cutter_feed(&s->cutter, data, len, &q->out, &q->lens, &items);
    return queued(s, q, r, items, err);
}

static int take_header(struct source_stream *s, struct source_queue *q, const void *data,
                       size_t len, struct err *err)
{
    int r = buf_add(&s->header, data, len);
    if (r < 0)
        return tell(s, r, err);
    size_t found = record_header(&s->plan->source.record, s->header.data, s->header.len);
    if (found == RECORD_NONE && s->header.len <= RECORD_HEADER_BYTES_MAX)
        return 1;
    if (found > RECORD_HEADER_BYTES_MAX)
        return err_set(err, -EFBIG,
                       "source.data: '%s': its %u header lines are longer than %u bytes", s->path,
                       s->plan->source.record.header_lines, RECORD_HEADER_BYTES_MAX);
    // What is behind the header stands in this block; the header stays.
    size_t behind = s->header.len - found;
    s->header.len = found;
    start_cutter(s);
    return cut(s, q, (const uint8_t *)data + (len - behind), behind, err);
}

static int take_bytes(struct source_stream *s, struct source_queue *q, const void *data, size_t len,
                      struct err *err)
{
    return s->header_done ? cut(s, q, data, len, err) : take_header(s, q, data, len, err);
}

static int end(struct source_stream *s, struct source_queue *q, struct err *err)
{
    uint64_t items = 0;
    if (s->unpacker && !unpacker_at_end(s->unpacker))
        return err_set(err, -EBADMSG,
                       "source.data: '%s' is cut off: its compressed data have no "
                       "end",
                       s->path);
    if (!s->header_done)
        return 0; // nothing but a header
    int r = cutter_end(&s->cutter, &q->out, &q->lens, &items);
    r = queued(s, q, r, items, err);
    return r < 0 ? r : 0;
}

int source_stream_advance(struct source_stream *s, struct source_queue *q, struct err *err)
{
    ssize_t n;
    if (!s->unpacker) {
        n = source_read_block(s->fd, s->raw);
        if (n == -EAGAIN)
            return -EAGAIN;
        if (n < 0)
            return tell(s, (int)n, err);
        return n ? take_bytes(s, q, s->raw, (size_t)n, err) : end(s, q, err);
    }
    if (unpacker_wants(s->unpacker)) {
        n = source_read_block(s->fd, s->raw);
        if (n == -EAGAIN)
            return -EAGAIN;
        if (n < 0)
            return tell(s, (int)n, err);
        if (n == 0)
            return end(s, q, err);
        unpacker_feed(s->unpacker, s->raw, (size_t)n);
    }
    n = unpacker_read(s->unpacker, s->plain, sizeof(s->plain));
    if (n == -EBADMSG)
        return err_set(err, -EBADMSG, "source.data: '%s': its compressed data are damaged",
                       s->path);
    if (n < 0)
        return tell(s, (int)n, err);
    return n ? take_bytes(s, q, s->plain, (size_t)n, err) : 1;
}
