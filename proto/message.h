// The messages between coordinator and worker as structs. PROTOCOL.md is normative; messages.def is
// the list. A message is a header frame (msgpack, fixed schema) and, for LEASE and RESULT, one body
// frame with all payloads back to back. No sockets, no clock, no allocation while decoding: decoded
// structs borrow from the frames.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/digest.h"
#include "base/err.h"
#include "base/pack.h"
#include "proto/ending.h"
#include "proto/limits.h"
#include "proto/resources.h"

enum msg_type {
#define MSG(name, number, direction, text) MSG_##name = number,
#include "proto/messages.def"
#undef MSG
};

// Both directions' first words: the versions a peer speaks, and which run of the program it is.
struct msg_hello {
    uint32_t version_min;
    uint32_t version_max;
    uint8_t session[PROTO_SESSION_BYTES]; // random, new at every start of the peer
    char software[PROTO_NAME_MAX];        // "fanmill 0.1.0", for people
};

struct msg_welcome {
    uint32_t version; // chosen
    uint64_t epoch;   // of the coordinator
    uint64_t worker;  // the id the coordinator gave this connection; it names the worker in logs
    int64_t heartbeat_ns;
    int64_t silence_ns;
    bool resumed; // the session was known: what it held was kept
};

struct msg_refuse {
    int32_t code; // negative errno: -EPROTONOSUPPORT, -EPROTO, -EACCES, ...
    char text[PROTO_TEXT_MAX];
};

struct msg_register {
    char name[PROTO_NAME_MAX]; // worker's name, for people
    char host[PROTO_NAME_MAX];
    uint32_t pid;
    uint32_t slots;
    struct resources resources; // what its running chunks may take together
};

// Absolute, not a difference: the coordinator keeps what it leased and has no result for below the
// window. A lost or repeated CREDIT can't make credit drift. window_items 0 pauses.
struct msg_credit {
    uint32_t window_items;
    uint64_t window_bytes; // payload bytes of leases the worker is ready to hold
};

// Defines a step before its first lease. `packed` is pipelines/plan.h's format, opaque here.
struct msg_step {
    uint64_t job;
    uint32_t step;
    const uint8_t *packed;
    size_t packed_len;
};

// The worker may forget the job: nothing of it will be leased again.
struct msg_forget {
    uint64_t job;
};

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

// One part of one chunk's outcome. All parts but the last have `more` set and carry bytes only.
struct result {
    uint64_t job;
    uint32_t step;
    uint32_t attempt;
    uint64_t chunk;
    bool more;
    struct ending ending;
    const char *error; // words for a person; NULL: none. Not NUL-terminated after decoding
    size_t error_len;
    const char *stderr_text; // up to PROTO_STDERR_TAIL_MAX bytes, the last ones
    size_t stderr_len;
    const uint32_t *item_lens; // when a kernel emitted several results: their lengths; else NULL
    uint32_t n_items;          // results in this part; 1 when item_lens is NULL
    const uint8_t *body;
    size_t body_len;
};

// Results are numbered by the worker; a cumulative ACK frees its spool.
struct msg_ack {
    uint64_t seq; // every result entry up to this one is safe
};

struct msg_heartbeat {
    uint32_t running; // chunks on executors now
    uint32_t held;    // leased chunks not yet started
};

enum cancel_mode { CANCEL_QUEUED = 0, CANCEL_RUNNING = 1, CANCEL_KILL = 2 };
// QUEUED: give back what has not begun. RUNNING: TERM, grace, KILL to what runs. KILL: at once.
struct msg_cancel {
    uint64_t job;
    uint32_t mode;
};

// Coordinator -> worker: start nothing new, return what has not begun, finish the rest, then BYE.
// Worker -> coordinator: I am leaving in this way; lease me nothing more.
struct msg_drain {
    uint32_t grace_ms;
};

// Worker -> coordinator: these chunks were leased and never begun. Costs no attempt.
struct msg_return {
    uint64_t job;
    uint32_t step;
    uint32_t attempt;
    uint64_t first;
    uint32_t count;
};

struct msg_bye {
    char reason[PROTO_TEXT_MAX];
};

// A kernel's library that a worker does not have.
struct msg_need {
    uint8_t digest[DIGEST_BYTES];
};

// The file is the body.
struct msg_library {
    uint8_t digest[DIGEST_BYTES];
    int32_t code; // 0, or negative errno: nobody has it
    char text[PROTO_TEXT_MAX];
};

// ---- encoding: appends a header to `header` (and payloads to `body`). 0, -ENOBUFS, -ENOMEM.
int msg_put_hello(struct buf *header, const struct msg_hello *m);
int msg_put_welcome(struct buf *header, const struct msg_welcome *m);
int msg_put_refuse(struct buf *header, const struct msg_refuse *m);
int msg_put_register(struct buf *header, const struct msg_register *m);
int msg_put_credit(struct buf *header, const struct msg_credit *m);
int msg_put_step(struct buf *header, const struct msg_step *m);
int msg_put_forget(struct buf *header, const struct msg_forget *m);
int msg_put_ack(struct buf *header, const struct msg_ack *m);
int msg_put_heartbeat(struct buf *header, const struct msg_heartbeat *m);
int msg_put_cancel(struct buf *header, const struct msg_cancel *m);
int msg_put_drain(struct buf *header, const struct msg_drain *m);
int msg_put_return(struct buf *header, const struct msg_return *m, uint32_t n);
int msg_put_bye(struct buf *header, const struct msg_bye *m);
int msg_put_need(struct buf *header, const struct msg_need *m);
int msg_put_library(struct buf *header, const struct msg_library *m);

// LEASE and RESULT are written entry by entry: begin, add..., end. The count is fixed up at the
// end, so a batch grows while there is something ready. add returns -E2BIG when the batch is full
// (send it and begin another); an entry that is too large for any message is -EMSGSIZE.
struct batch_writer {
    struct buf *header;
    struct buf *body;
    size_t count_at; // where the count is patched in
    uint32_t count;
};
int lease_batch_begin(struct batch_writer *w, struct buf *header, struct buf *body, uint64_t epoch);
int lease_batch_add(struct batch_writer *w, const struct lease *lease);
int lease_batch_end(struct batch_writer *w);
// first_seq: number of the first entry; the others follow by one.
int result_batch_begin(struct batch_writer *w, struct buf *header, struct buf *body, uint64_t epoch,
                       uint64_t first_seq);
int result_batch_add(struct batch_writer *w, const struct result *result);
int result_batch_end(struct batch_writer *w);

// ---- decoding. msg_type reads the type (-EPROTO when the header is none); then the reader for it.
// Each returns 0 or -EPROTO with text naming the message and field; outputs borrow from the frames.
int msg_type_of(const void *header, size_t len);
const char *msg_name(int type); // "LEASE"; "?" for an unknown number
int msg_get_hello(const void *header, size_t len, struct msg_hello *ret, struct err *err);
int msg_get_welcome(const void *header, size_t len, struct msg_welcome *ret, struct err *err);
int msg_get_refuse(const void *header, size_t len, struct msg_refuse *ret, struct err *err);
int msg_get_register(const void *header, size_t len, struct msg_register *ret, struct err *err);
int msg_get_credit(const void *header, size_t len, struct msg_credit *ret, struct err *err);
int msg_get_step(const void *header, size_t len, struct msg_step *ret, struct err *err);
int msg_get_forget(const void *header, size_t len, struct msg_forget *ret, struct err *err);
int msg_get_ack(const void *header, size_t len, struct msg_ack *ret, struct err *err);
int msg_get_heartbeat(const void *header, size_t len, struct msg_heartbeat *ret, struct err *err);
int msg_get_cancel(const void *header, size_t len, struct msg_cancel *ret, struct err *err);
int msg_get_drain(const void *header, size_t len, struct msg_drain *ret, struct err *err);
int msg_get_bye(const void *header, size_t len, struct msg_bye *ret, struct err *err);
int msg_get_need(const void *header, size_t len, struct msg_need *ret, struct err *err);
int msg_get_library(const void *header, size_t len, struct msg_library *ret, struct err *err);

// Entry by entry; the reader keeps one reusable array for lens, so batches cost no allocation each.
struct batch_reader {
    struct pack_reader header;
    const uint8_t *body;
    size_t body_left;
    uint32_t left;
    uint64_t epoch;
    uint64_t first_seq; // RESULT only
    uint32_t *lens;     // grown as needed, reused; batch_reader_done frees it
    size_t lens_cap;
};
void batch_reader_init(struct batch_reader *r); // once; then open, next... many times
void batch_reader_done(struct batch_reader *r);
int lease_batch_open(struct batch_reader *r, const void *header, size_t len, const void *body,
                     size_t body_len, struct err *err);
// 1 with an entry that is valid until the next call, 0 at the (clean) end, -EPROTO, -ENOMEM.
int lease_batch_next(struct batch_reader *r, struct lease *ret, struct err *err);
int result_batch_open(struct batch_reader *r, const void *header, size_t len, const void *body,
                      size_t body_len, struct err *err);
int result_batch_next(struct batch_reader *r, struct result *ret, struct err *err);
int return_batch_open(struct batch_reader *r, const void *header, size_t len, struct err *err);
int return_batch_next(struct batch_reader *r, struct msg_return *ret, struct err *err);
