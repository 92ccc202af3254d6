#include "proto/lease.h"

#include <errno.h>

#include "proto/limits.h"
#include "proto/message.h"
#include "proto/table.h"

#define LEASE_FIXED_BYTES 100 // at most, of an entry without its lens
#define LEN_BYTES 5           // at most, of one length

int lease_batch_begin(struct batch_writer *w, struct buf *header, struct buf *body, uint64_t epoch)
{
    return batch_begin(w, header, body, MSG_LEASE, &(struct lease_head){.epoch = epoch});
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
    uint64_t lens_bytes = lease->lens ? (uint64_t)lease->count * LEN_BYTES : 0;
    if (lease->count == 0 || lease->count > PROTO_RUN_CHUNKS_MAX ||
        lease->body_len > PROTO_BODY_MAX)
        return -EMSGSIZE;
    int r = batch_reserve(w, PROTO_LEASE_RUNS_MAX, LEASE_FIXED_BYTES + lens_bytes, lease->body_len);
    if (r < 0)
        return r;
    size_t before = w->header->len;
    struct pack_writer p;
    pack_writer_init(&p, w->header);
    row_put(&p, &lease_entry, lease);
    put_lens(&p, lease->lens, lease->count);
    return batch_add(w, before, p.error, lease->body, lease->body_len);
}

int lease_batch_end(struct batch_writer *w)
{
    return batch_end(w);
}

int lease_batch_open(struct batch_reader *r, const void *header, size_t len, const void *body,
                     size_t body_len, struct err *err)
{
    struct lease_head head;
    int code = batch_open(r, MSG_LEASE, &head, header, len, body, body_len, err);
    r->epoch = head.epoch;
    return code;
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
    struct lease lease = {0};
    uint64_t sum = 0;
    if (r->left == 0)
        return batch_at_end(r, MSG_LEASE, err);
    row_get(&r->header, &lease_entry, &lease);
    if (!pack_read_nil(&r->header)) {
        int code = read_lens(r, lease.count, &sum);
        if (code < 0)
            return err_set(err, code, "out of memory");
        lease.lens = r->lens;
        lease.body = batch_take_body(r, sum);
        lease.body_len = (size_t)sum;
    }
    int code = batch_took(r, MSG_LEASE, err);
    if (code == 1)
        *ret = lease;
    return code;
}

int feed_put(struct buf *header, struct buf *body, uint64_t seq, const struct lease *run)
{
    struct batch_writer w;
    int r = batch_begin(&w, header, body, MSG_FEED, &(struct feed_head){.seq = seq});
    if (r == 0)
        r = lease_batch_add(&w, run);
    return r < 0 ? r : batch_end(&w);
}

int feed_get(struct batch_reader *r, const void *header, size_t len, const void *body,
             size_t body_len, uint64_t *ret_seq, struct lease *ret, struct err *err)
{
    struct lease second;
    struct feed_head head;
    int code = batch_open(r, MSG_FEED, &head, header, len, body, body_len, err);
    if (code < 0)
        return code;
    *ret_seq = head.seq;
    code = lease_batch_next(r, ret, err);
    return code < 0 ? code : lease_batch_next(r, &second, err); // which there must not be
}

// Entries that are rows of one kind, all of them at once.
static int put_rows(struct buf *header, enum msg_type type, const void *rows, uint32_t n)
{
    const struct layout *row = msg_layout(type)->entries;
    const uint8_t *at = rows;
    struct batch_writer w;
    int r = batch_begin(&w, header, NULL, type, &(struct return_head){0});
    if (r < 0)
        return r;
    struct pack_writer p;
    pack_writer_init(&p, header);
    for (; w.count < n; w.count++, at += row->size)
        row_put(&p, row, at);
    return p.error ? p.error : batch_end(&w);
}

static int open_rows(struct batch_reader *r, enum msg_type type, const void *header, size_t len,
                     struct err *err)
{
    struct return_head head;
    return batch_open(r, type, &head, header, len, NULL, 0, err);
}

// `ret` has zeros, and is the row's struct.
static int next_row(struct batch_reader *r, enum msg_type type, void *ret, struct err *err)
{
    if (r->left == 0)
        return batch_at_end(r, type, err);
    row_get(&r->header, msg_layout(type)->entries, ret);
    return batch_took(r, type, err);
}

int return_batch_put(struct buf *header, const struct msg_return *m, uint32_t n)
{
    return n > PROTO_LEASE_RUNS_MAX ? -EMSGSIZE : put_rows(header, MSG_RETURN, m, n);
}

int return_batch_open(struct batch_reader *r, const void *header, size_t len, struct err *err)
{
    return open_rows(r, MSG_RETURN, header, len, err);
}

int return_batch_next(struct batch_reader *r, struct msg_return *ret, struct err *err)
{
    struct msg_return m = {0};
    int code = next_row(r, MSG_RETURN, &m, err);
    if (code == 1)
        *ret = m;
    return code;
}

int recall_batch_begin(struct batch_writer *w, struct buf *header)
{
    return batch_begin(w, header, NULL, MSG_RECALL, &(struct return_head){0});
}

int recall_batch_add(struct batch_writer *w, const struct msg_return *m)
{
    size_t before = w->header->len;
    struct pack_writer p;
    int r = batch_reserve(w, PROTO_LEASE_RUNS_MAX, LEASE_FIXED_BYTES, 0);
    if (r < 0)
        return r;
    pack_writer_init(&p, w->header);
    row_put(&p, &return_entry, m);
    return batch_add(w, before, p.error, NULL, 0);
}

int recall_batch_end(struct batch_writer *w)
{
    return batch_end(w);
}

int recall_batch_open(struct batch_reader *r, const void *header, size_t len, struct err *err)
{
    return open_rows(r, MSG_RECALL, header, len, err);
}

int recall_batch_next(struct batch_reader *r, struct msg_return *ret, struct err *err)
{
    struct msg_return m = {0};
    int code = next_row(r, MSG_RECALL, &m, err);
    if (code == 1)
        *ret = m;
    return code;
}

int kept_batch_put(struct buf *header, enum msg_type type, const struct msg_return *m, uint32_t n)
{
    return n > PROTO_LEASE_RUNS_MAX ? -EMSGSIZE : put_rows(header, type, m, n);
}

int kept_batch_open(struct batch_reader *r, enum msg_type type, const void *header, size_t len,
                    struct err *err)
{
    return open_rows(r, type, header, len, err);
}

int kept_batch_next(struct batch_reader *r, enum msg_type type, struct msg_return *ret,
                    struct err *err)
{
    struct msg_return m = {0};
    int code = next_row(r, type, &m, err);
    if (code == 1)
        *ret = m;
    return code;
}

int begun_batch_put(struct buf *header, const struct msg_begun *m, uint32_t n)
{
    return n > PROTO_BEGUN_MAX ? -EMSGSIZE : put_rows(header, MSG_BEGUN, m, n);
}

int begun_batch_open(struct batch_reader *r, const void *header, size_t len, struct err *err)
{
    return open_rows(r, MSG_BEGUN, header, len, err);
}

int begun_batch_next(struct batch_reader *r, struct msg_begun *ret, struct err *err)
{
    struct msg_begun m = {0};
    int code = next_row(r, MSG_BEGUN, &m, err);
    if (code == 1)
        *ret = m;
    return code;
}
