// MessagePack with fixed schemas. Writing goes through msgpack-c; reading is a bounded cursor of
// our own, because the general unpacker reserves whatever a peer's five bytes claim
// (docs/decisions/0003-bounded-reader.md).
//
// A reader checks every count against the bytes that are left, so a claim can't cost more than the
// frame that carries it. Its error is sticky: after the first failure each call returns a zero
// value, so a decoder reads all its fields and looks at pack_ok() once. Format:
// https://github.com/msgpack/msgpack/blob/master/spec.md (integers in any width are accepted).
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;

struct pack_reader {
    const uint8_t *at;
    const uint8_t *end;
    bool failed;
};

void pack_reader_init(struct pack_reader *r, const void *data, size_t len);
// True if nothing has failed so far.
static inline bool pack_ok(const struct pack_reader *r)
{
    return !r->failed;
}
// True if nothing failed and every byte was read: trailing bytes are an error of the peer.
static inline bool pack_at_end(const struct pack_reader *r)
{
    return !r->failed && r->at == r->end;
}
// Marks the input as bad, for checks that the caller makes itself.
void pack_fail(struct pack_reader *r);
// Number of elements of an array; more than `max`, or more than the bytes left, fails.
uint32_t pack_read_array(struct pack_reader *r, uint32_t max);
uint32_t pack_read_map(struct pack_reader *r, uint32_t max);
uint64_t pack_read_wide(struct pack_reader *r, uint64_t max);
// An unsigned integer of at most `max`. Most are small: one byte, read in place.
static inline uint64_t pack_read_u64(struct pack_reader *r, uint64_t max)
{
    bool is_small = r->at != r->end && *r->at < 0x80 && *r->at <= max;
    return is_small ? *r->at++ : pack_read_wide(r, max);
}
int64_t pack_read_wide_i64(struct pack_reader *r);
static inline int64_t pack_read_i64(struct pack_reader *r)
{
    bool is_small = r->at != r->end && *r->at < 0x80;
    return is_small ? *r->at++ : pack_read_wide_i64(r);
}
double pack_read_f64(struct pack_reader *r);
bool pack_read_bool(struct pack_reader *r);
// Consumes a nil if one is next, and returns whether it did.
static inline bool pack_read_nil(struct pack_reader *r)
{
    bool is_nil = r->at != r->end && *r->at == 0xc0;
    r->at += is_nil;
    return is_nil;
}
// Borrowed from the input, not NUL-terminated. A string that is longer than `max` fails. On failure
// *ret_len is 0 and the result points at a static empty string, never NULL.
const char *pack_read_str(struct pack_reader *r, size_t max, size_t *ret_len);
const uint8_t *pack_read_bin(struct pack_reader *r, size_t max, size_t *ret_len);
// A bin of exactly `size` bytes, copied. On failure `ret` is left as it is.
void pack_read_exact(struct pack_reader *r, void *ret, size_t size);
// Reads a string into a caller's array and terminates it. A NUL inside fails.
void pack_read_text(struct pack_reader *r, char *ret, size_t size);
// A malloc'd, terminated copy (caller frees); NULL on failure. A NUL inside fails.
char *pack_read_strdup(struct pack_reader *r, size_t max);
// Skips one value of any kind, nested at most 8 deep.
void pack_skip(struct pack_reader *r);

// A writer appends to a buf; its error (-ENOBUFS, -ENOMEM) is sticky, too.
struct pack_writer {
    struct buf *buf;
    int error;
};

void pack_writer_init(struct pack_writer *w, struct buf *buf);
void pack_array(struct pack_writer *w, uint32_t n);
void pack_map(struct pack_writer *w, uint32_t n);
void pack_u64(struct pack_writer *w, uint64_t value);
void pack_i64(struct pack_writer *w, int64_t value);
void pack_f64(struct pack_writer *w, double value);
void pack_bool(struct pack_writer *w, bool value);
void pack_nil(struct pack_writer *w);
void pack_str(struct pack_writer *w, const char *text); // NULL packs nil
void pack_bin(struct pack_writer *w, const void *data, size_t len);
