#include "proto/info.h"

#include "proto/message.h"
#include "proto/table.h"

#define MORE_BEFORE_COUNT 2 // bytes: `more`, and the mark of the count's four bytes
#define MSGPACK_FALSE 0xc2

int info_begin(struct batch_writer *w, struct buf *header, uint64_t request, enum query what)
{
    return batch_begin(w, header, NULL, MSG_INFO,
                       &(struct info_head){.request = request, .what = what, .more = true});
}

int info_add(struct batch_writer *w, enum query what, const void *row)
{
    size_t before = w->header->len;
    struct pack_writer p;
    int r = batch_reserve(w, PROTO_INFO_ROWS_MAX, 0, 0);
    if (r < 0)
        return r;
    pack_writer_init(&p, w->header);
    row_put(&p, info_row(what), row);
    return batch_add(w, before, p.error, NULL, 0);
}

int info_end(struct batch_writer *w, bool more)
{
    if (!more)
        w->header->data[w->count_at - MORE_BEFORE_COUNT] = MSGPACK_FALSE;
    return batch_end(w);
}

int info_open(struct info_reader *r, const void *header, size_t len, struct err *err)
{
    struct info_head head;
    int code = batch_open(&r->batch, MSG_INFO, &head, header, len, NULL, 0, err);
    r->request = head.request;
    r->what = (enum query)head.what;
    r->more = head.more;
    return code;
}

int info_next(struct info_reader *r, void *row, struct err *err)
{
    if (r->batch.left == 0)
        return batch_at_end(&r->batch, MSG_INFO, err);
    row_get(&r->batch.header, info_row(r->what), row);
    return batch_took(&r->batch, MSG_INFO, err);
}
