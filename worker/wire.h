// Frames between the agent and one executor, over a stream socketpair. Both ends are the same
// program on the same machine, so numbers are native and heads are plain structs; yet each length
// is checked, for a kernel may have overwritten the executor that writes them.
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "proto/ending.h"
#include "proto/limits.h"

enum wire_type {
    WIRE_STEP = 1, // agent: a step's definition, before its first chunk
    WIRE_FORGET,   // agent: a job's steps are not needed any more
    WIRE_RUN,      // agent: chunks to run, in this order
    WIRE_RESULT,   // executor: a part of a chunk's outcome
    WIRE_SKIPPED,  // executor: a recalled chunk was not begun, or the machine refused a process
};

struct wire_head {
    uint32_t type;
    uint32_t len; // of what follows
};

// The largest frame: an error, stderr's tail, a list of lengths and a body.
#define WIRE_FRAME_MAX                                                                             \
    (PROTO_BODY_MAX + PROTO_RUN_CHUNKS_MAX * 4u + PROTO_STDERR_TAIL_MAX + PROTO_TEXT_MAX + 4096u)
// Room after the last frame for the NUL byte that follows an item.
#define WIRE_SPARE 1u

struct wire_step {
    struct wire_head head;
    uint64_t job;
    uint32_t step;
    uint32_t packed_len; // pipelines/plan.h's packed step
};

struct wire_forget {
    struct wire_head head;
    uint64_t job;
};

// Followed by `count` lengths (uint32_t; none for RUN_RANGE), then the payloads back to back.
struct wire_run {
    struct wire_head head;
    uint64_t serial; // of the first chunk; the others follow by one
    uint64_t job;
    uint64_t first; // chunk
    uint64_t item_first;
    uint64_t items_per_chunk;
    uint64_t item_end;
    uint32_t step;
    uint32_t attempt;
    uint32_t count;
    uint32_t kind; // enum run_kind
    uint32_t body_len;
    uint32_t pad;
};

enum wire_more {
    WIRE_LAST,
    WIRE_MORE,        // of the result
    WIRE_MORE_STDERR, // of standard error
};

// Followed by error, stderr, n_lens lengths, body.
struct wire_result {
    struct wire_head head;
    uint64_t serial;
    struct ending ending;
    uint8_t more;        // enum wire_more
    uint8_t has_nothing; // 0 or 1: it is not even one empty result
    uint16_t error_len;
    uint32_t stderr_len;
    uint32_t n_lens; // 0: one result
    uint32_t body_len;
};

struct wire_skipped {
    struct wire_head head;
    uint64_t serial;
    int32_t code; // 0: recalled; negative errno: refused
    uint32_t pad;
};

// What was read and not yet used. The bytes of a frame stay valid until wire_fill.
struct wire_reader {
    struct buf buf;
    size_t at;
};
void wire_reader_init(struct wire_reader *r);
void wire_reader_done(struct wire_reader *r);
// Reads once from the socket. Bytes read, 0 at the end, negative errno (-EAGAIN when it would
// block).
ssize_t wire_fill(struct wire_reader *r, int fd);
// 1 with a whole frame: its type and all its bytes, head included, writable; 0 when more must be
// read; -EPROTO when the head is invalid. The head of a known type fits into `len`.
int wire_next(struct wire_reader *r, uint32_t *ret_type, uint8_t **ret_frame, size_t *ret_len);

// A frame taken apart; pointers into it. -EPROTO when its lengths contradict each other.
struct wire_run_view {
    struct wire_run run;
    uint8_t *lens; // unaligned uint32_t
    uint8_t *body;
};
int wire_get_run(uint8_t *frame, size_t len, struct wire_run_view *ret);
struct wire_result_view {
    struct wire_result result;
    const uint8_t *error;
    const uint8_t *stderr_text;
    const uint8_t *lens; // unaligned uint32_t
    const uint8_t *body;
};
int wire_get_result(const uint8_t *frame, size_t len, struct wire_result_view *ret);
int wire_get_step(const uint8_t *frame, size_t len, struct wire_step *ret,
                  const uint8_t **ret_packed);

// Appends. -ENOMEM, -ENOBUFS. The head's `type` and `len` are filled in from the other members.
int wire_put_step(struct buf *out, uint64_t job, uint32_t step, const void *packed, size_t len);
int wire_put_forget(struct buf *out, uint64_t job);
int wire_put_run(struct buf *out, const struct wire_run *run, const uint32_t *lens,
                 const void *body);
int wire_put_result(struct buf *out, const struct wire_result *result, const void *error,
                    const void *stderr_text, const uint32_t *lens, const void *body);
int wire_put_skipped(struct buf *out, uint64_t serial, int code);
