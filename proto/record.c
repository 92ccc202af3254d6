#include "proto/record.h"

#include "proto/limits.h"
#include "proto/message.h"
#include "proto/table.h"

int record_put(struct buf *header, const struct record_entry *record)
{
    struct pack_writer w;
    size_t before = header->len;
    pack_writer_init(&w, header);
    row_put(&w, &record_row, record);
    if (w.error < 0)
        header->len = before;
    return w.error;
}

void record_get(struct pack_reader *r, struct record_entry *ret)
{
    *ret = (struct record_entry){0};
    row_get(r, &record_row, ret);
}

int records_put_head(struct buf *header, uint64_t stream, uint64_t first_offset, uint32_t count)
{
    return msg_put(header, MSG_RECORDS, &(struct records_head){stream, first_offset, count});
}

int records_open(struct records_reader *r, const void *header, size_t len, const void *body,
                 size_t body_len, struct err *err)
{
    struct records_head head;
    int code = batch_open(&r->batch, MSG_RECORDS, &head, header, len, body, body_len, err);
    r->stream = head.stream;
    r->offset = head.first_offset - 1;
    r->goes_on = false;
    return code;
}

int records_next(struct records_reader *r, struct record_entry *ret, struct err *err)
{
    struct record_entry record;
    if (r->batch.left == 0)
        return batch_at_end(&r->batch, MSG_RECORDS, err);
    record_get(&r->batch.header, &record);
    record.body = batch_take_body(&r->batch, record.body_len);
    int code = batch_took(&r->batch, MSG_RECORDS, err);
    if (code < 0)
        return code;
    r->offset += !r->goes_on;
    r->goes_on = record.more;
    *ret = record;
    return code;
}
