#include <errno.h>

#include "proto/batch.h"
#include "proto/client.h"

#define LEASE_FIELDS 10
#define LEASE_FIXED_BYTES 100 // at most, of an entry without its lens
#define LEN_BYTES 5           // at most, of one length
#define RETURN_FIELDS 5

static int begin_runs(struct batch_writer *w, struct buf *header, struct buf *body,
                      enum msg_type type, uint64_t number)
{
    *w = (struct batch_writer){.header = header, .body = body};
    struct pack_writer p;
    pack_writer_init(&p, header);
    pack_array(&p, 3);
    pack_u64(&p, type);
    pack_u64(&p, number);
    return p.error ? p.error : batch_begin_count(w);
}

int lease_batch_begin(struct batch_writer *w, struct buf *header, struct buf *body, uint64_t epoch)
{
    return begin_runs(w, header, body, MSG_LEASE, epoch);
}

static bool all_equal(const uint32_t *lens, uint32_t n)
{
    for (uint32_t i = 1; i < n; i++)
        if (lens[i] != lens[0])
            return false;
    return true;
}

static void put_lens(struct pack_writer *p, const uint32_t *lens, uint32_t n)
{
    if (!lens) {
        pack_nil(p);
        return;
    }
    uint32_t written = all_equal(lens, n) ? 1 : n;
    pack_array(p, written);
    for (uint32_t i = 0; i < written; i++)
        pack_u64(p, lens[i]);
}

int lease_batch_add(struct batch_writer *w, const struct lease *lease)
{
    uint64_t header_bytes =
        LEASE_FIXED_BYTES + (lease->lens ? (uint64_t)lease->count * LEN_BYTES : 0);
    if (lease->count == 0 || lease->count > PROTO_RUN_CHUNKS_MAX ||
        lease->body_len > PROTO_BODY_MAX)
        return -EMSGSIZE;
    if (w->count == PROTO_LEASE_RUNS_MAX || w->header->len + header_bytes > PROTO_HEADER_MAX ||
        w->body->len + lease->body_len > PROTO_BODY_MAX)
        return -E2BIG;
    size_t before = w->header->len;
    struct pack_writer p;
    pack_writer_init(&p, w->header);
    pack_array(&p, LEASE_FIELDS);
    pack_u64(&p, lease->job);
    pack_u64(&p, lease->step);
    pack_u64(&p, lease->attempt);
    pack_u64(&p, lease->first);
    pack_u64(&p, lease->count);
    pack_u64(&p, lease->kind);
    pack_u64(&p, lease->item_first);
    pack_u64(&p, lease->items_per_chunk);
    pack_u64(&p, lease->item_end);
    put_lens(&p, lease->lens, lease->count);
    int r = p.error;
    if (r == 0 && lease->body_len)
        r = buf_add(w->body, lease->body, lease->body_len);
    if (r < 0)
        w->header->len = before;
    else
        w->count++;
    return r;
}

int lease_batch_end(struct batch_writer *w)
{
    return batch_end(w);
}

int lease_batch_open(struct batch_reader *r, const void *header, size_t len, const void *body,
                     size_t body_len, struct err *err)
{
    return batch_open(r, MSG_LEASE, true, false, PROTO_LEASE_RUNS_MAX, header, len, body, body_len,
                      err);
}

// Reads the lengths of `count` payloads into r->lens and adds them up. 0 or -ENOMEM.
static int read_lens(struct batch_reader *r, uint32_t count, uint64_t *ret_sum)
{
    uint32_t n = pack_read_array(&r->header, count);
    if (n != count && n != 1)
        pack_fail(&r->header);
    if (!pack_ok(&r->header))
        return 0;
    int code = batch_reserve_lens(r, count);
    if (code < 0)
        return code;
    uint64_t sum = 0;
    for (uint32_t i = 0; i < count; i++) {
        r->lens[i] = i < n ? (uint32_t)pack_read_u64(&r->header, PROTO_BODY_MAX) : r->lens[0];
        sum += r->lens[i];
    }
    *ret_sum = sum;
    return 0;
}

int lease_batch_next(struct batch_reader *r, struct lease *ret, struct err *err)
{
    if (r->left == 0)
        return batch_at_end(r, "LEASE", err);
    struct pack_reader *h = &r->header;
    struct lease lease = {0};
    if (pack_read_array(h, LEASE_FIELDS) != LEASE_FIELDS)
        pack_fail(h);
    lease.job = pack_read_u64(h, UINT64_MAX);
    lease.step = (uint32_t)pack_read_u64(h, UINT32_MAX);
    lease.attempt = (uint32_t)pack_read_u64(h, UINT32_MAX);
    lease.first = pack_read_u64(h, UINT64_MAX - PROTO_RUN_CHUNKS_MAX);
    lease.count = (uint32_t)pack_read_u64(h, PROTO_RUN_CHUNKS_MAX);
    lease.kind = (uint8_t)pack_read_u64(h, PROTO_RUN_KINDS - 1);
    lease.item_first = pack_read_u64(h, UINT64_MAX);
    lease.items_per_chunk = pack_read_u64(h, UINT64_MAX);
    lease.item_end = pack_read_u64(h, UINT64_MAX);
    if (lease.count == 0 || lease.attempt == 0)
        pack_fail(h);
    if (!pack_read_nil(h)) {
        uint64_t sum = 0;
        int code = read_lens(r, lease.count, &sum);
        if (code < 0)
            return err_set(err, code, "out of memory");
        lease.lens = r->lens;
        lease.body = batch_take_body(r, sum);
        lease.body_len = (size_t)sum;
    }
    if (!pack_ok(h))
        return batch_bad("LEASE", err);
    r->left--;
    *ret = lease;
    return 1;
}

int msg_put_feed(struct buf *header, struct buf *body, uint64_t seq, const struct lease *run)
{
    struct batch_writer w;
    int r = begin_runs(&w, header, body, MSG_FEED, seq);
    if (r == 0)
        r = lease_batch_add(&w, run);
    return r < 0 ? r : batch_end(&w);
}

int msg_get_feed(struct batch_reader *r, const void *header, size_t len, const void *body,
                 size_t body_len, uint64_t *ret_seq, struct lease *ret, struct err *err)
{
    struct lease behind;
    int code = batch_open(r, MSG_FEED, true, false, 1, header, len, body, body_len, err);
    if (code < 0)
        return code;
    *ret_seq = r->epoch;
    code = lease_batch_next(r, ret, err);
    if (code == 0)
        return err_set(err, -EPROTO, "bad FEED message: it has no run");
    return code < 0 ? code : lease_batch_next(r, &behind, err);
}

int msg_put_return(struct buf *header, const struct msg_return *m, uint32_t n)
{
    if (n > PROTO_LEASE_RUNS_MAX)
        return -EMSGSIZE;
    struct pack_writer p;
    pack_writer_init(&p, header);
    pack_array(&p, 2);
    pack_u64(&p, MSG_RETURN);
    struct batch_writer w = {.header = header};
    int r = p.error ? p.error : batch_begin_count(&w);
    if (r < 0)
        return r;
    for (; w.count < n; w.count++, m++) {
        pack_array(&p, RETURN_FIELDS);
        pack_u64(&p, m->job);
        pack_u64(&p, m->step);
        pack_u64(&p, m->attempt);
        pack_u64(&p, m->first);
        pack_u64(&p, m->count);
    }
    return p.error ? p.error : batch_end(&w);
}

int return_batch_open(struct batch_reader *r, const void *header, size_t len, struct err *err)
{
    return batch_open(r, MSG_RETURN, false, false, PROTO_LEASE_RUNS_MAX, header, len, NULL, 0, err);
}

int return_batch_next(struct batch_reader *r, struct msg_return *ret, struct err *err)
{
    if (r->left == 0)
        return batch_at_end(r, "RETURN", err);
    struct pack_reader *h = &r->header;
    struct msg_return m = {0};
    if (pack_read_array(h, RETURN_FIELDS) != RETURN_FIELDS)
        pack_fail(h);
    m.job = pack_read_u64(h, UINT64_MAX);
    m.step = (uint32_t)pack_read_u64(h, UINT32_MAX);
    m.attempt = (uint32_t)pack_read_u64(h, UINT32_MAX);
    m.first = pack_read_u64(h, UINT64_MAX - PROTO_RUN_CHUNKS_MAX);
    m.count = (uint32_t)pack_read_u64(h, PROTO_RUN_CHUNKS_MAX);
    if (m.count == 0)
        pack_fail(h);
    if (!pack_ok(h))
        return batch_bad("RETURN", err);
    r->left--;
    *ret = m;
    return 1;
}
