#include "proto/batch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int batch_begin_count(struct batch_writer *w)
{
    const uint8_t place[BATCH_COUNT_BYTES] = {0xce};
    w->count_at = w->header->len + 1;
    w->count = 0;
    return buf_add(w->header, place, sizeof(place));
}

int batch_end(struct batch_writer *w)
{
    for (int i = 0; i < 4; i++)
        w->header->data[w->count_at + (size_t)i] = (uint8_t)(w->count >> (24 - 8 * i));
    return 0;
}

void batch_reader_init(struct batch_reader *r)
{
    *r = (struct batch_reader){0};
}

void batch_reader_done(struct batch_reader *r)
{
    free(r->lens);
    *r = (struct batch_reader){0};
}

int batch_reserve_lens(struct batch_reader *r, uint32_t n)
{
    if (n <= r->lens_cap)
        return 0;
    uint32_t *lens = realloc(r->lens, n * sizeof(*lens));
    if (!lens)
        return -ENOMEM;
    r->lens = lens;
    r->lens_cap = n;
    return 0;
}

const uint8_t *batch_take_body(struct batch_reader *r, uint64_t len)
{
    if (len > r->body_left) {
        pack_fail(&r->header);
        return r->body;
    }
    const uint8_t *bytes = r->body;
    r->body += len;
    r->body_left -= (size_t)len;
    return bytes;
}

int batch_bad(const char *name, struct err *err)
{
    return err_set(err, -EPROTO,
                   "bad %s message: an entry is cut off, over a limit or of a wrong type", name);
}

int batch_open(struct batch_reader *r, enum msg_type type, bool has_epoch, bool has_seq,
               uint32_t count_max, const void *header, size_t len, const void *body,
               size_t body_len, struct err *err)
{
    static const uint8_t nothing[1];
    pack_reader_init(&r->header, header, len);
    uint32_t n_fields = 2 + has_epoch + has_seq;
    if (len > PROTO_HEADER_MAX || body_len > PROTO_BODY_MAX ||
        pack_read_array(&r->header, n_fields) != n_fields ||
        pack_read_u64(&r->header, UINT8_MAX) != type)
        pack_fail(&r->header);
    r->epoch = has_epoch ? pack_read_u64(&r->header, UINT64_MAX) : 0;
    r->first_seq = has_seq ? pack_read_u64(&r->header, UINT64_MAX - count_max) : 0;
    r->left = (uint32_t)pack_read_u64(&r->header, count_max);
    r->body = body_len ? body : nothing;
    r->body_left = body_len;
    return pack_ok(&r->header) ? 0 : batch_bad(msg_name(type), err);
}

int batch_at_end(const struct batch_reader *r, const char *name, struct err *err)
{
    if (pack_at_end(&r->header) && r->body_left == 0)
        return 0;
    return err_set(err, -EPROTO, "bad %s message: bytes behind its end", name);
}
