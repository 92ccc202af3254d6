#include "pipelines/source/source_stream.h"

#include <errno.h>
#include <stdlib.h>

#include "pipelines/input/separator.h"
#include "pipelines/source/source_auto.h"
#include "pipelines/source/source_input.h"

struct source_stream {
    const struct plan *plan;
    const char *path;
    struct source_input *in;
    struct cutter cutter;
    struct buf header; // lines, or their part so far
    bool header_done;
    int failed; // negative errno: what was read before it comes first
    struct err why;
};

static void start_cutter(struct source_stream *s)
{
    const struct chunking *rule = &s->plan->steps[0].chunking;
    const struct separator_rule *record = &s->plan->source.separator;
    struct cutter_rule cut = {
        .end = (uint8_t)record->end[0], .header = s->header.data, .header_len = s->header.len};
    if (!separator_is_simple(record))
        cut.separator = record;
    if (rule->rule == CHUNK_LINES)
        cut.items = rule->n;
    else
        cut.bytes = rule->rule == CHUNK_AUTO ? AUTO_PIECE_STREAM : rule->n;
    cutter_init(&s->cutter, &cut);
    s->header_done = true;
}

int source_stream_open(const struct plan *plan, const char *path, struct source_stream **ret,
                       struct err *err)
{
    struct source_stream *s = calloc(1, sizeof(*s));
    if (!s)
        return err_sys(err, -ENOMEM, "'%s'", path);
    s->plan = plan;
    s->path = path;
    int r = source_input_open(plan, path, &s->in, err);
    if (r < 0) {
        free(s);
        return r;
    }
    if (!plan->source.separator.header_lines)
        start_cutter(s);
    *ret = s;
    return 0;
}

struct source_stream *source_stream_close(struct source_stream *s)
{
    if (!s)
        return NULL;
    source_input_close(s->in);
    cutter_done(&s->cutter);
    buf_done(&s->header);
    free(s);
    return NULL;
}

int source_stream_fd(const struct source_stream *s)
{
    return source_input_fd(s->in);
}

static int queued(struct source_stream *s, struct source_queue *q, int r, uint64_t items,
                  struct err *err)
{
    if (r < 0)
        return source_cut_error(err, r, s->path, &s->cutter);
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
        return err_sys(err, r, "'%s'", s->path);
    size_t found = separator_header(&s->plan->source.separator, s->header.data, s->header.len);
    if (found == SEPARATOR_NONE && s->header.len <= SEPARATOR_HEADER_BYTES_MAX)
        return 1;
    if (found > SEPARATOR_HEADER_BYTES_MAX)
        return err_set(err, -EFBIG, "'%s': its header lines (%u) are longer than %u bytes", s->path,
                       s->plan->source.separator.header_lines, SEPARATOR_HEADER_BYTES_MAX);
    // What follows the header is in this block; the header stays.
    size_t rest = s->header.len - found;
    s->header.len = found;
    start_cutter(s);
    return cut(s, q, (const uint8_t *)data + (len - rest), rest, err);
}

static int end(struct source_stream *s, struct source_queue *q, struct err *err)
{
    uint64_t items = 0;
    if (!s->header_done)
        return 0; // nothing but a header
    int r = cutter_end(&s->cutter, &q->out, &q->lens, &items);
    r = queued(s, q, r, items, err);
    return r < 0 ? r : 0;
}

int source_stream_advance(struct source_stream *s, struct source_queue *q, struct err *err)
{
    const uint8_t *data;
    if (s->failed) {
        *err = s->why;
        return s->failed;
    }
    ssize_t n = source_input_read(s->in, &data, err);
    if (n == -EAGAIN)
        return -EAGAIN;
    if (n < 0) {
        s->failed = (int)n;
        s->why = *err;
        int r = end(s, q, err);
        return r < 0 ? r : 1;
    }
    if (n == 0)
        return end(s, q, err);
    return s->header_done ? cut(s, q, data, (size_t)n, err)
                          : take_header(s, q, data, (size_t)n, err);
}
