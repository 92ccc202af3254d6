// RECORDS: results of a job's stream as a client gets them. Written entry by entry into pages,
// which are kept and sent whole or from a given entry on.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/batch.h"
#include "proto/ending.h"
#include "proto/limits.h"

// One record. Fields borrow: from the sender's job, or from the frames they were read from.
struct record_entry {
    uint32_t step;
    uint64_t chunk;
    uint32_t attempt;
    bool more;      // the next entry continues the same record: it is large
    bool is_stderr; // with `more`: the bytes are not of the result but of standard error
    bool partial;   // a part that a running chunk emitted; its record follows, without bytes
    struct ending ending;
    int64_t start_ns;   // wall time since 1970, by the coordinator's clock; 0: unknown
    const char *worker; // name
    size_t worker_len;
    uint64_t item_first;
    uint64_t items;
    const uint8_t *item; // the chunk's payload when it is one raw item; NULL: none
    size_t item_len;
    const char *error; // NULL: none
    size_t error_len;
    const char *stderr_text;
    size_t stderr_len;
    const uint8_t *body; // reading only: the result, or a piece of at most PROTO_RECORD_PART_MAX
    uint64_t body_len;
};

// Appends one entry to `header`; the body's bytes are the caller's to append. -ENOBUFS, -ENOMEM.
int record_put(struct buf *header, const struct record_entry *record);
// Writes the head of a RECORDS message; `count` entries follow in the same frame.
int records_put_head(struct buf *header, uint64_t stream, uint64_t first_offset, uint32_t count);

struct records_reader {
    struct batch_reader batch; // needs no batch_reader_done: records have no lens
    uint64_t stream;
    uint64_t offset; // of the entry read last; entries of one record share it
    bool goes_on;    // the entry read last had `more`
};
int records_open(struct records_reader *r, const void *header, size_t len, const void *body,
                 size_t body_len, struct err *err);
// 1 with an entry that borrows from the frames, 0 at the clean end, -EPROTO.
int records_next(struct records_reader *r, struct record_entry *ret, struct err *err);
// Reads one entry as record_put wrote it. Bad bytes fail the reader.
void record_get(struct pack_reader *r, struct record_entry *ret);
