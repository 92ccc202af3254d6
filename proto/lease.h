// Runs of chunks: leased by the coordinator (LEASE), asked for by it (RECALL), given back by a
// worker (RETURN), and fed by a client (FEED); and single ones that a worker has begun (BEGUN).
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "proto/batch.h"
#include "proto/limits.h"

// One run of chunks of one attempt. Fields from `kind` on mirror pipelines/run.h's struct run.
struct lease {
    uint64_t job;
    uint32_t step;
    uint32_t attempt; // from 1, the same for all chunks of the run
    uint64_t first;   // chunk numbers first .. first+count-1
    uint32_t count;
    uint8_t kind; // enum run_kind
    uint64_t item_first;
    uint64_t items_per_chunk;
    uint64_t item_end;
    const uint32_t *lens; // `count` payload lengths; NULL when nothing is carried (RUN_RANGE)
    const uint8_t *body;  // payloads back to back
    size_t body_len;
};

// Worker -> coordinator: these chunks were leased and have not begun. It costs no attempt.
struct msg_return {
    uint64_t job;
    uint32_t step;
    uint32_t attempt;
    uint64_t first;
    uint32_t count;
};

// Worker -> coordinator: this chunk of its leases runs.
struct msg_begun {
    uint64_t job;
    uint32_t step;
    uint32_t attempt;
    uint64_t chunk;
    int64_t age_ns; // since it began
};

int lease_batch_begin(struct batch_writer *w, struct buf *header, struct buf *body, uint64_t epoch);
int lease_batch_add(struct batch_writer *w, const struct lease *lease);
int lease_batch_end(struct batch_writer *w);
int lease_batch_open(struct batch_reader *r, const void *header, size_t len, const void *body,
                     size_t body_len, struct err *err);
// 1 with an entry that is valid until the next call, 0 at the (clean) end, -EPROTO, -ENOMEM.
int lease_batch_next(struct batch_reader *r, struct lease *ret, struct err *err);

// Appends a RETURN of `n` runs. -EMSGSIZE: more than PROTO_LEASE_RUNS_MAX.
int return_batch_put(struct buf *header, const struct msg_return *m, uint32_t n);
int return_batch_open(struct batch_reader *r, const void *header, size_t len, struct err *err);
int return_batch_next(struct batch_reader *r, struct msg_return *ret, struct err *err);
// RECALL: the same entries in the other direction. They are written one by one.
int recall_batch_begin(struct batch_writer *w, struct buf *header);
int recall_batch_add(struct batch_writer *w, const struct msg_return *m);
int recall_batch_end(struct batch_writer *w);
int recall_batch_open(struct batch_reader *r, const void *header, size_t len, struct err *err);
int recall_batch_next(struct batch_reader *r, struct msg_return *ret, struct err *err);
// KEEP and DISCARD: the same entries. -EMSGSIZE: more than PROTO_LEASE_RUNS_MAX.
int kept_batch_put(struct buf *header, enum msg_type type, const struct msg_return *m, uint32_t n);
int kept_batch_open(struct batch_reader *r, enum msg_type type, const void *header, size_t len,
                    struct err *err);
int kept_batch_next(struct batch_reader *r, enum msg_type type, struct msg_return *ret,
                    struct err *err);
// BEGUN of `n` chunks. -EMSGSIZE: more than PROTO_BEGUN_MAX.
int begun_batch_put(struct buf *header, const struct msg_begun *m, uint32_t n);
int begun_batch_open(struct batch_reader *r, const void *header, size_t len, struct err *err);
int begun_batch_next(struct batch_reader *r, struct msg_begun *ret, struct err *err);

// FEED: one run of chunks, the entry of a LEASE with step 0 and attempt 1.
int feed_put(struct buf *header, struct buf *body, uint64_t seq, const struct lease *run);
// *ret borrows from the frames and from `r`, which the caller initialised.
int feed_get(struct batch_reader *r, const void *header, size_t len, const void *body,
             size_t body_len, uint64_t *ret_seq, struct lease *ret, struct err *err);
