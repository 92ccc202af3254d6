#include "pipelines/frame.h"

#include <errno.h>

int frame_add(struct buf *out, const void *item, size_t len)
{
    if (len > FRAME_ITEM_MAX)
        return -EMSGSIZE;
    int r = buf_reserve(out, FRAME_HEAD_BYTES + len);
    if (r < 0)
        return r;
    const uint8_t head[FRAME_HEAD_BYTES] = {(uint8_t)len, (uint8_t)(len >> 8), (uint8_t)(len >> 16),
                                            (uint8_t)(len >> 24)};
    r = buf_add(out, head, sizeof(head));
    return r < 0 ? r : buf_add(out, item, len);
}

void frame_reader_init(struct frame_reader *r, const void *data, size_t len)
{
    // An empty list may come as a null pointer, and null + 0 is undefined before C2x.
    const uint8_t *at = data ? data : (const uint8_t *)"";
    *r = (struct frame_reader){.at = at, .end = at + len};
}

int frame_next(struct frame_reader *r, const uint8_t **ret_item, size_t *ret_len)
{
    size_t left = (size_t)(r->end - r->at);
    if (left == 0)
        return 0;
    if (left < FRAME_HEAD_BYTES)
        return -EPROTO;
    size_t len =
        (size_t)r->at[0] | (size_t)r->at[1] << 8 | (size_t)r->at[2] << 16 | (size_t)r->at[3] << 24;
    if (len > FRAME_ITEM_MAX || len > left - FRAME_HEAD_BYTES)
        return -EPROTO;
    *ret_item = r->at + FRAME_HEAD_BYTES;
    *ret_len = len;
    r->at += FRAME_HEAD_BYTES + len;
    return 1;
}
