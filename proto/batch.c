#include "proto/batch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "proto/limits.h"
#include "proto/message.h"
#include "proto/table.h"

int batch_begin(struct batch_writer *w, struct buf *header, struct buf *body, enum msg_type type,
                const void *head)
{
    *w = (struct batch_writer){.header = header, .body = body};
    int r = msg_put(header, type, head);
    w->count_at = header->len - sizeof(w->count);
    return r;
}

int batch_reserve(const struct batch_writer *w, uint32_t count_max, uint64_t header_bytes,
                  uint64_t body_bytes)
{
    bool is_full = w->count >= count_max || w->header->len + header_bytes > PROTO_HEADER_MAX ||
                   (w->body && w->body->len + body_bytes > PROTO_BODY_MAX);
    return is_full ? -E2BIG : 0;
}

int batch_add(struct batch_writer *w, size_t before, int error, const void *body, size_t body_len)
{
    if (error == 0 && body_len)
        error = buf_add(w->body, body, body_len);
    if (error < 0)
        w->header->len = before;
    else
        w->count++;
    return error;
}

int batch_end(struct batch_writer *w)
{
    for (size_t i = 0; i < sizeof(w->count); i++)
        w->header->data[w->count_at + i] = (uint8_t)(w->count >> (24 - 8 * i));
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

int batch_bad(enum msg_type type, struct err *err)
{
    return err_set(err, -EPROTO,
                   "bad %s message: an entry is cut off, over a limit or of a wrong type",
                   msg_name(type));
}

int batch_open(struct batch_reader *r, enum msg_type type, void *ret_head, const void *header,
               size_t len, const void *body, size_t body_len, struct err *err)
{
    static const uint8_t nothing[1];
    const struct layout *layout = msg_layout(type);
    msg_get_head(&r->header, header, len, type, ret_head);
    if (body_len > PROTO_BODY_MAX)
        pack_fail(&r->header);
    memcpy(&r->left, (uint8_t *)ret_head + layout->fields[layout->n - 1].offset, sizeof(r->left));
    r->body = body_len ? body : nothing;
    r->body_left = body_len;
    return pack_ok(&r->header) ? 0 : batch_bad(type, err);
}

int batch_reserve_lens(struct batch_reader *r, uint32_t n)
{
    if (n <= r->n_lens)
        return 0;
    uint32_t *lens = realloc(r->lens, n * sizeof(*lens));
    if (!lens)
        return -ENOMEM;
    r->lens = lens;
    r->n_lens = n;
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

int batch_took(struct batch_reader *r, enum msg_type type, struct err *err)
{
    if (!pack_ok(&r->header))
        return batch_bad(type, err);
    r->left--;
    return 1;
}

int batch_at_end(const struct batch_reader *r, enum msg_type type, struct err *err)
{
    if (pack_at_end(&r->header) && r->body_left == 0)
        return 0;
    return err_set(err, -EPROTO, "bad %s message: bytes after its end", msg_name(type));
}
