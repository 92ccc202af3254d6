// Messages with entries (LEASE, RESULT, RETURN, FEED, RECORDS, INFO): written and read one by one.
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/pack.h"
#include "proto/msg_type.h"

// Begin, add..., end. The count is fixed up at the end, so a batch grows as long as something is
// ready. add returns -E2BIG when the batch is full (send it and begin another), and -EMSGSIZE for
// an entry that is too large for any message.
struct batch_writer {
    struct buf *header;
    struct buf *body; // NULL: its entries have no payload
    size_t count_at;  // where the count is patched in
    uint32_t count;
};

// The reader keeps one reusable array for lens, so batches cost no allocation each.
struct batch_reader {
    struct pack_reader header;
    const uint8_t *body;
    size_t body_left;
    uint32_t left;
    uint64_t epoch;     // LEASE and RESULT only
    uint64_t first_seq; // RESULT only
    uint32_t *lens;     // grown as needed, reused; batch_reader_done frees it
    size_t n_lens;
};
void batch_reader_init(struct batch_reader *r); // once; then open, next... many times
void batch_reader_done(struct batch_reader *r);

// ---- for the kinds of batches, in proto/ only

// Writes the head, whose last field is the count. 0, -ENOBUFS, -ENOMEM.
int batch_begin(struct batch_writer *w, struct buf *header, struct buf *body, enum msg_type type,
                const void *head);
// Whether it has room for an entry of at most `header_bytes` and `body_bytes`. -E2BIG: full.
int batch_reserve(const struct batch_writer *w, uint32_t count_max, uint64_t header_bytes,
                  uint64_t body_bytes);
// Counts an entry whose header was written from `before` on and adds its payload; takes both back
// when `error` or the addition fails.
int batch_add(struct batch_writer *w, size_t before, int error, const void *body, size_t body_len);
// Puts the count into its place.
int batch_end(struct batch_writer *w);

// Reads the head into `ret_head`; its last field is the number of entries.
int batch_open(struct batch_reader *r, enum msg_type type, void *ret_head, const void *header,
               size_t len, const void *body, size_t body_len, struct err *err);
// Grows the reader's reusable array. -ENOMEM.
int batch_reserve_lens(struct batch_reader *r, uint32_t n);
// Takes `len` bytes of the body; with fewer left it fails the reader.
const uint8_t *batch_take_body(struct batch_reader *r, uint64_t len);
// After an entry was read: 1, or -EPROTO when the reader failed.
int batch_took(struct batch_reader *r, enum msg_type type, struct err *err);
// After the last entry: nothing may be left. 0 or -EPROTO.
int batch_at_end(const struct batch_reader *r, enum msg_type type, struct err *err);
int batch_bad(enum msg_type type, struct err *err);
