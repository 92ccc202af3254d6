// The cutter: bytes in, chunks out. It cuts what can only be read in order (standard input, the
// results of the step before) into pieces of data or lists of items. Pure: no descriptor, no clock.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "pipelines/input/row.h"
#include "pipelines/input/separator.h"
#include "pipelines/run.h"

// Largest payload of one chunk, which one message of the protocol can carry (PROTO_BODY_MAX).
#define CUTTER_CHUNK_MAX (256u << 20)

struct cutter_rule {
    bool as_items;  // chunks are items (records without their end); else data, ends included
    uint64_t items; // records in a chunk; 0: not limited
    uint64_t bytes; // data: cut after the first record end at or past this size; 0: no
    uint8_t end;    // last byte of a record
    bool trims_cr;  // items: a CR before their end belongs to it
    uint8_t trims;  // items: ROW_TRIM_*
    // Data whose records do not just end with one byte: this instead of `end`. The header, if any,
    // begins each chunk. Both are borrowed as long as the cutter lives.
    const struct separator_rule *separator;
    const uint8_t *header;
    size_t header_len;
};

// Holds at most one incomplete chunk. Zeroed by cutter_init; cutter_done frees.
struct cutter {
    struct cutter_rule rule;
    struct buf part;            // bytes of the incomplete record
    struct buf ready;           // payload of the chunk being filled
    uint64_t ready_items;       // records in it
    uint64_t items;             // of all chunks so far
    uint64_t bytes;             // of data, in all chunks so far
    struct separator separator; // of rule.separator
    size_t next;                // where in `ready` the next record may begin
    size_t searched;            // before this place of `ready` it does not
};
void cutter_init(struct cutter *c, const struct cutter_rule *rule);
void cutter_done(struct cutter *c);

// The rule may change between calls (CHUNK_AUTO grows its chunks); the chunk being filled follows.
void cutter_set(struct cutter *c, const struct cutter_rule *rule);

// Takes bytes and appends every chunk that they complete to `out` (its payload) and `lens` (its
// length, as uint32_t in native order). Chunks of items are raw (one item, rule.items == 1) or
// framed (pipelines/frame.h). *ret_items is increased by the items of the chunks that were
// appended; a chunk of data counts as one. A chunk of data that is cut by size ends before the
// record that it has no room for. -EMSGSIZE when an item is longer than FRAME_ITEM_MAX, a record of
// data or as many as the rule wants than CUTTER_CHUNK_MAX; -ENOBUFS, -ENOMEM. After a failure only
// cutter_flush, of the items before, and cutter_done make sense.
int cutter_feed(struct cutter *c, const void *data, size_t len, struct buf *out, struct buf *lens,
                uint64_t *ret_items);
// Adds one item, for callers that know where items end. Only as_items. As cutter_feed.
int cutter_add(struct cutter *c, const void *item, size_t len, struct buf *out, struct buf *lens,
               uint64_t *ret_items);
// The end of the input: what is left, a last record without its end included, becomes the last
// chunk; nothing is appended when nothing is left.
int cutter_end(struct cutter *c, struct buf *out, struct buf *lens, uint64_t *ret_items);
// Ends the chunk being filled early, if it has a record; an incomplete record stays. Data: does
// nothing, a piece of data ends with a record.
int cutter_flush(struct cutter *c, struct buf *out, struct buf *lens, uint64_t *ret_items);
// Bytes held.
static inline size_t cutter_held(const struct cutter *c)
{
    return c->part.len + c->ready.len;
}
