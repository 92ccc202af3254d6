// RESULT: outcomes of chunks, in whole or in parts.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/batch.h"
#include "proto/ending.h"
#include "proto/limits.h"

// One part of one chunk's outcome. All parts but the last have `more` set and carry bytes only.
struct result {
    uint64_t job;
    uint32_t step;
    uint32_t attempt;
    uint64_t chunk;
    bool more;
    bool is_stderr; // with `more`: the bytes are not of the result but of standard error
    struct ending ending;
    const char *error; // words for a person; NULL: none. Not NUL-terminated after decoding
    size_t error_len;
    const char *stderr_text; // up to PROTO_STDERR_TAIL_MAX bytes: what follows those parts
    size_t stderr_len;
    const uint32_t *item_lens; // when a kernel emitted several results: their lengths; else NULL
    uint32_t n_items;          // results in this part; 1 when item_lens is NULL
    const uint8_t *body;
    size_t body_len;
};

// first_seq: number of the first entry; the others follow by one.
int result_batch_begin(struct batch_writer *w, struct buf *header, struct buf *body, uint64_t epoch,
                       uint64_t first_seq);
int result_batch_add(struct batch_writer *w, const struct result *result);
int result_batch_end(struct batch_writer *w);
int result_batch_open(struct batch_reader *r, const void *header, size_t len, const void *body,
                      size_t body_len, struct err *err);
// 1 with an entry that is valid until the next call, 0 at the (clean) end, -EPROTO, -ENOMEM.
int result_batch_next(struct batch_reader *r, struct result *ret, struct err *err);
