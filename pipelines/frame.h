// A framed list of items, the payload of a RUN_ITEMS chunk: each item is its length as four bytes,
// little-endian, then its bytes. Items may hold any byte.
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

#define FRAME_ITEM_MAX (16u << 20) // bytes of one item; a longer one is an error with its number
#define FRAME_HEAD_BYTES 4u

// Appends one item. -EMSGSIZE over FRAME_ITEM_MAX, -ENOBUFS, -ENOMEM.
int frame_add(struct buf *out, const void *item, size_t len);

// A cursor over a list; the bytes may come from a peer.
struct frame_reader {
    const uint8_t *at;
    const uint8_t *end;
};
void frame_reader_init(struct frame_reader *r, const void *data, size_t len);
// 1 with an item that is borrowed from the list, 0 at the end, -EPROTO when the list is broken.
int frame_next(struct frame_reader *r, const uint8_t **ret_item, size_t *ret_len);
