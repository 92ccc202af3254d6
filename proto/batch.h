// What the LEASE, RESULT and RETURN batches share. Nobody outside proto/ includes this.
#pragma once
#include "proto/message.h"

#define BATCH_COUNT_BYTES 5 // the four-byte form of an unsigned integer

// Writes the place of the count and remembers it.
int batch_begin_count(struct batch_writer *w);
// Puts the count into its place.
int batch_end(struct batch_writer *w);
// Grows the reader's reusable array. -ENOMEM.
int batch_reserve_lens(struct batch_reader *r, uint32_t n);
// Takes `len` bytes of the body; fails the reader when there are fewer.
const uint8_t *batch_take_body(struct batch_reader *r, uint64_t len);
// Reads the fixed fields of a batch: type and field count are checked, the entries' count is left.
int batch_open(struct batch_reader *r, enum msg_type type, bool has_epoch, bool has_seq,
               uint32_t count_max, const void *header, size_t len, const void *body,
               size_t body_len, struct err *err);
// After the last entry: nothing may be left. 0 or -EPROTO.
int batch_at_end(const struct batch_reader *r, const char *name, struct err *err);
int batch_bad(const char *name, struct err *err);
