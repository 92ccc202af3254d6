#include "proto/client.h"

#include <errno.h>

#include "proto/batch.h"
#include "proto/fields.h"

#define FIELDS_MAX 32
#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static const struct field submit[] = {U64(msg_submit, request), BIN(msg_submit, key),
                                      U32(msg_submit, flags, SUBMIT_FLAGS),
                                      I64(msg_submit, timeout_ns)};
static const struct field answer[] = {U64(msg_answer, request), I32(msg_answer, code),
                                      U64(msg_answer, value), TEXT(msg_answer, text)};
static const struct field open_[] = {U64(msg_open, stream), U64(msg_open, job),
                                     U64(msg_open, from)};
static const struct field take_[] = {U64(msg_take, stream), U64(msg_take, taken),
                                     U64(msg_take, offset_end), U64(msg_take, bytes)};
static const struct field close_[] = {U64(msg_close, stream), U32(msg_close, mode, CLOSE_KILL)};
static const struct field want[] = {U64(msg_want, job),         U64(msg_want, seq),
                                    U64(msg_want, chunks),      U64(msg_want, bytes),
                                    I64(msg_want, mean_run_ns), U32(msg_want, slots, UINT32_MAX)};
static const struct field feed_end[] = {U64(msg_feed_end, job), U64(msg_feed_end, seq),
                                        I32(msg_feed_end, code), TEXT(msg_feed_end, text)};
static const struct field data[] = {U64(msg_data, job), U64(msg_data, chunk), I32(msg_data, code),
                                    TEXT(msg_data, text)};
static const struct field store[] = {U64(msg_store, request), BIN(msg_store, digest)};
static const struct field query[] = {U64(msg_query, request), U32(msg_query, what, QUERY_COUNT - 1),
                                     U64(msg_query, first), U64(msg_query, last)};
static const struct field control[] = {
    U64(msg_control, request), U32(msg_control, verb, VERB_COUNT - 1), U64(msg_control, first),
    U64(msg_control, last), TEXT(msg_control, name)};
static const struct field job_row[] = {
    U64(job_info, id),
    TEXT(job_info, name),
    TEXT(job_info, owner),
    U8(job_info, phase, PHASE_COUNT - 1),
    U8(job_info, fate, FATE_COUNT - 1),
    BOOL(job_info, detached),
    BOOL(job_info, failed_too),
    U64(job_info, created_ms),
    I64(job_info, age_ns),
    U64(job_info, total),
    U64(job_info, chunks),
    U64(job_info, ok),
    U64(job_info, failed),
    U64(job_info, cancelled),
    U64(job_info, unrun),
    U64(job_info, retries),
    U64(job_info, running),
    U64(job_info, records),
    I32(job_info, first_code),
    TEXT(job_info, text),
};
static const struct field worker_row[] = {
    U64(worker_info, id),
    TEXT(worker_info, name),
    TEXT(worker_info, host),
    TEXT(worker_info, user),
    TEXT(worker_info, software),
    U32(worker_info, pid, UINT32_MAX),
    U32(worker_info, slots, PROTO_SLOTS_MAX),
    U64(worker_info, memory_bytes),
    TEXT(worker_info, resources),
    U64(worker_info, leased),
    U32(worker_info, running, UINT32_MAX),
    U32(worker_info, held, UINT32_MAX),
    U64(worker_info, done),
    BOOL(worker_info, draining),
    I64(worker_info, up_ns),
    I64(worker_info, silent_ns),
};
static const struct field line_row[] = {U64(line_info, job), TEXT(line_info, name),
                                        U64(line_info, value), TEXT(line_info, text)};

static const struct {
    const struct field *fields;
    size_t n;
} rows[QUERY_COUNT] = {
    [QUERY_JOBS] = {job_row, COUNT(job_row)},
    [QUERY_WORKERS] = {worker_row, COUNT(worker_row)},
    [QUERY_EXPLAIN] = {line_row, COUNT(line_row)},
    [QUERY_SERVICE] = {line_row, COUNT(line_row)},
};

static int put(struct buf *header, enum msg_type type, const struct field *fields, size_t n,
               const void *message)
{
    struct pack_writer w;
    pack_writer_init(&w, header);
    pack_array(&w, (uint32_t)n + 1);
    pack_u64(&w, type);
    fields_put(&w, fields, n, message);
    return w.error;
}

static void expect_head(struct pack_reader *r, size_t len, enum msg_type type, size_t n)
{
    if (len > PROTO_HEADER_MAX || pack_read_array(r, FIELDS_MAX) != n + 1 ||
        pack_read_u64(r, UINT8_MAX) != type)
        pack_fail(r);
}

static int bad(const struct pack_reader *r, enum msg_type type, struct err *err)
{
    return err_set(err, -EPROTO, "bad %s message: %s", msg_name(type),
                   pack_ok(r) ? "bytes behind its end"
                              : "a field is missing, too large or of a wrong type");
}

static int get(const void *header, size_t len, enum msg_type type, const struct field *fields,
               size_t n, void *ret, struct err *err)
{
    struct pack_reader r;
    pack_reader_init(&r, header, len);
    expect_head(&r, len, type, n);
    fields_get(&r, fields, n, ret);
    return pack_at_end(&r) ? 0 : bad(&r, type, err);
}

#define CODEC(word, TYPE, table)                                                                   \
    int msg_put_##word(struct buf *header, const struct msg_##word *m)                             \
    {                                                                                              \
        return put(header, MSG_##TYPE, table, COUNT(table), m);                                    \
    }                                                                                              \
    int msg_get_##word(const void *header, size_t len, struct msg_##word *ret, struct err *err)    \
    {                                                                                              \
        *ret = (struct msg_##word){0};                                                             \
        return get(header, len, MSG_##TYPE, table, COUNT(table), ret, err);                        \
    }
CODEC(submit, SUBMIT, submit)
CODEC(answer, ANSWER, answer)
CODEC(open, OPEN, open_)
CODEC(take, TAKE, take_)
CODEC(close, CLOSE, close_)
CODEC(want, WANT, want)
CODEC(feed_end, FEED_END, feed_end)
CODEC(data, DATA, data)
CODEC(store, STORE, store)
CODEC(query, QUERY, query)
CODEC(control, CONTROL, control)

int msg_put_fetch(struct buf *header, const struct msg_fetch *m)
{
    struct pack_writer w;
    if (m->extent_len > PROTO_EXTENT_MAX)
        return -ENOBUFS;
    pack_writer_init(&w, header);
    pack_array(&w, 4);
    pack_u64(&w, MSG_FETCH);
    pack_u64(&w, m->job);
    pack_u64(&w, m->chunk);
    pack_bin(&w, m->extent, m->extent_len);
    return w.error;
}

int msg_get_fetch(const void *header, size_t len, struct msg_fetch *ret, struct err *err)
{
    struct pack_reader r;
    pack_reader_init(&r, header, len);
    expect_head(&r, len, MSG_FETCH, 3);
    ret->job = pack_read_u64(&r, UINT64_MAX);
    ret->chunk = pack_read_u64(&r, UINT64_MAX);
    ret->extent = pack_read_bin(&r, PROTO_EXTENT_MAX, &ret->extent_len);
    return pack_at_end(&r) ? 0 : bad(&r, MSG_FETCH, err);
}

static void put_row(struct pack_writer *w, const struct field *fields, size_t n, const void *row)
{
    pack_array(w, (uint32_t)n);
    fields_put(w, fields, n, row);
}

static void get_row(struct pack_reader *r, const struct field *fields, size_t n, void *ret)
{
    if (pack_read_array(r, FIELDS_MAX) != n)
        pack_fail(r);
    fields_get(r, fields, n, ret);
}

int msg_put_end(struct buf *header, uint64_t stream, int32_t code, const struct job_info *job)
{
    struct pack_writer w;
    pack_writer_init(&w, header);
    pack_array(&w, 4);
    pack_u64(&w, MSG_END);
    pack_u64(&w, stream);
    pack_i64(&w, code);
    put_row(&w, job_row, COUNT(job_row), job);
    return w.error;
}

int msg_get_end(const void *header, size_t len, uint64_t *ret_stream, int32_t *ret_code,
                struct job_info *ret, struct err *err)
{
    struct pack_reader r;
    pack_reader_init(&r, header, len);
    expect_head(&r, len, MSG_END, 3);
    *ret = (struct job_info){0};
    *ret_stream = pack_read_u64(&r, UINT64_MAX);
    int64_t code = pack_read_i64(&r);
    if (code > 0 || code < INT32_MIN)
        pack_fail(&r);
    *ret_code = (int32_t)code;
    get_row(&r, job_row, COUNT(job_row), ret);
    return pack_at_end(&r) ? 0 : bad(&r, MSG_END, err);
}

int info_begin(struct batch_writer *w, struct buf *header, uint64_t request, enum query what,
               bool more)
{
    struct pack_writer p;
    *w = (struct batch_writer){.header = header};
    pack_writer_init(&p, header);
    pack_array(&p, 5);
    pack_u64(&p, MSG_INFO);
    pack_u64(&p, request);
    pack_u64(&p, what);
    pack_bool(&p, more);
    return p.error ? p.error : batch_begin_count(w);
}

int info_add(struct batch_writer *w, enum query what, const void *row)
{
    struct pack_writer p;
    size_t before = w->header->len;
    if (w->count == PROTO_INFO_ROWS_MAX)
        return -E2BIG;
    pack_writer_init(&p, w->header);
    put_row(&p, rows[what].fields, rows[what].n, row);
    if (p.error < 0)
        w->header->len = before;
    else
        w->count++;
    return p.error;
}

int info_end(struct batch_writer *w)
{
    return batch_end(w);
}

int info_open(struct info_reader *r, const void *header, size_t len, struct err *err)
{
    pack_reader_init(&r->header, header, len);
    expect_head(&r->header, len, MSG_INFO, 4);
    r->request = pack_read_u64(&r->header, UINT64_MAX);
    r->what = (enum query)pack_read_u64(&r->header, QUERY_COUNT - 1);
    r->more = pack_read_bool(&r->header);
    r->left = (uint32_t)pack_read_u64(&r->header, PROTO_INFO_ROWS_MAX);
    return pack_ok(&r->header) ? 0 : bad(&r->header, MSG_INFO, err);
}

int info_next(struct info_reader *r, void *row, struct err *err)
{
    if (r->left == 0)
        return pack_at_end(&r->header) ? 0 : bad(&r->header, MSG_INFO, err);
    get_row(&r->header, rows[r->what].fields, rows[r->what].n, row);
    if (!pack_ok(&r->header))
        return bad(&r->header, MSG_INFO, err);
    r->left--;
    return 1;
}
