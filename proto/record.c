#include "proto/record.h"

#include <errno.h>
#include <string.h>

#include "proto/batch.h"

#define RECORD_FIELDS 18

static void put_text(struct pack_writer *w, const char *text, size_t len, size_t max)
{
    char copy[PROTO_TEXT_MAX];
    size_t n = 0;
    if (!text) {
        pack_nil(w);
        return;
    }
    while (n < len && n < max - 1 && text[n]) {
        copy[n] = text[n];
        n++;
    }
    copy[n] = '\0';
    pack_str(w, copy);
}

static void put_bin(struct pack_writer *w, const void *data, size_t len)
{
    if (data && len)
        pack_bin(w, data, len);
    else
        pack_nil(w);
}

int record_put(struct buf *header, const struct wire_record *record)
{
    struct pack_writer w;
    size_t before = header->len;
    pack_writer_init(&w, header);
    pack_array(&w, RECORD_FIELDS);
    pack_u64(&w, record->step);
    pack_u64(&w, record->chunk);
    pack_u64(&w, record->attempt);
    pack_bool(&w, record->more);
    pack_bool(&w, record->partial);
    pack_u64(&w, record->ending.outcome);
    pack_i64(&w, record->ending.code);
    pack_i64(&w, record->start_ns);
    pack_i64(&w, record->ending.run_ns);
    pack_i64(&w, record->ending.cpu_ns);
    pack_u64(&w, record->ending.maxrss_bytes);
    put_text(&w, record->worker ? record->worker : "", record->worker_len, PROTO_NAME_MAX);
    pack_u64(&w, record->item_first);
    pack_u64(&w, record->items);
    put_bin(&w, record->item,
            record->item_len < PROTO_ITEM_MAX ? record->item_len : PROTO_ITEM_MAX);
    put_text(&w, record->error, record->error_len, PROTO_TEXT_MAX);
    put_bin(&w, record->stderr_text, record->stderr_len);
    pack_u64(&w, record->body_len);
    if (w.error < 0)
        header->len = before;
    return w.error;
}

int records_put_head(struct buf *header, uint64_t stream, uint64_t first_offset, uint32_t count)
{
    struct pack_writer w;
    pack_writer_init(&w, header);
    pack_array(&w, 4);
    pack_u64(&w, MSG_RECORDS);
    pack_u64(&w, stream);
    pack_u64(&w, first_offset);
    pack_u64(&w, count);
    return w.error;
}

int records_open(struct records_reader *r, const void *header, size_t len, const void *body,
                 size_t body_len, struct err *err)
{
    static const uint8_t nothing[1];
    pack_reader_init(&r->header, header, len);
    if (len > PROTO_HEADER_MAX || body_len > PROTO_BODY_MAX ||
        pack_read_array(&r->header, 4) != 4 || pack_read_u64(&r->header, UINT8_MAX) != MSG_RECORDS)
        pack_fail(&r->header);
    r->stream = pack_read_u64(&r->header, UINT64_MAX);
    r->offset = pack_read_u64(&r->header, INT64_MAX) - 1;
    r->goes_on = false;
    r->left = (uint32_t)pack_read_u64(&r->header, PROTO_RECORDS_MAX);
    r->body = body_len ? body : nothing;
    r->body_left = body_len;
    return pack_ok(&r->header) ? 0 : batch_bad("RECORDS", err);
}

static const uint8_t *get_bin(struct pack_reader *h, size_t max, size_t *ret_len)
{
    *ret_len = 0;
    return pack_read_nil(h) ? NULL : pack_read_bin(h, max, ret_len);
}

int records_next(struct records_reader *r, struct wire_record *ret, struct err *err)
{
    struct pack_reader *h = &r->header;
    struct wire_record record = {0};
    if (r->left == 0) {
        if (pack_at_end(h) && r->body_left == 0)
            return 0;
        return err_set(err, -EPROTO, "bad RECORDS message: bytes behind its end");
    }
    if (pack_read_array(h, RECORD_FIELDS) != RECORD_FIELDS)
        pack_fail(h);
    record.step = (uint32_t)pack_read_u64(h, UINT32_MAX);
    record.chunk = pack_read_u64(h, UINT64_MAX);
    record.attempt = (uint32_t)pack_read_u64(h, UINT32_MAX);
    record.more = pack_read_bool(h);
    record.partial = pack_read_bool(h);
    record.ending.outcome = (enum outcome)pack_read_u64(h, OUTCOME_COUNT - 1);
    int64_t code = pack_read_i64(h);
    if (code < INT32_MIN || code > INT32_MAX)
        pack_fail(h);
    record.ending.code = (int32_t)code;
    record.start_ns = pack_read_i64(h);
    record.ending.run_ns = pack_read_i64(h);
    record.ending.cpu_ns = pack_read_i64(h);
    record.ending.maxrss_bytes = pack_read_u64(h, UINT64_MAX);
    record.worker = pack_read_str(h, PROTO_NAME_MAX - 1, &record.worker_len);
    record.item_first = pack_read_u64(h, UINT64_MAX);
    record.items = pack_read_u64(h, UINT64_MAX);
    record.item = get_bin(h, PROTO_ITEM_MAX, &record.item_len);
    if (!pack_read_nil(h))
        record.error = pack_read_str(h, PROTO_TEXT_MAX - 1, &record.error_len);
    record.stderr_text = (const char *)get_bin(h, PROTO_STDERR_TAIL_MAX, &record.stderr_len);
    record.body_len = pack_read_u64(h, PROTO_RECORD_PART_MAX);
    if (record.body_len > r->body_left || record.start_ns < 0 || record.ending.run_ns < 0 ||
        record.ending.cpu_ns < 0)
        pack_fail(h);
    if (!pack_ok(h))
        return batch_bad("RECORDS", err);
    record.body = r->body;
    r->body += record.body_len;
    r->body_left -= (size_t)record.body_len;
    r->offset += !r->goes_on;
    r->goes_on = record.more;
    r->left--;
    *ret = record;
    return 1;
}
