// Compressed files as plain bytes: gzip, zstd, xz, bzip2 and lz4, each with several members or
// frames, known by their first bytes, whatever their names. Memory is bounded, and so is the output
// of one call.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

enum unpack_kind {
    UNPACK_NONE,
    UNPACK_GZIP,
    UNPACK_ZSTD,
    UNPACK_XZ,
    UNPACK_BZIP2,
    UNPACK_LZ4,
    UNPACK_KIND_COUNT,
};

#define UNPACK_MEMORY_MAX (256u << 20) // of an unpacker: dictionary or window
#define UNPACK_MAGIC_BYTES 10u
// The kind of a file that begins with these bytes.
enum unpack_kind unpack_kind_of(const void *data, size_t len);
// Its name, which is that of the program that packs and tests such files: "gzip".
const char *unpack_name(enum unpack_kind kind);

struct unpacker;
// -ENOMEM, or -ELIBACC when the kind's library is not on this machine; with text.
int unpacker_new(enum unpack_kind kind, struct unpacker **ret, struct err *err);
// Accepts NULL. Returns NULL.
struct unpacker *unpacker_free(struct unpacker *u);
// Takes compressed bytes (borrowed until they are used up); call it only if unpacker_wants().
void unpacker_feed(struct unpacker *u, const void *data, size_t len);
// Whether it needs more input before it can produce any output.
bool unpacker_wants(const struct unpacker *u);
// Returns the number of plain bytes, up to `size`; 0 when it needs more input. Everything before a
// damage comes first; then -EBADMSG, -EFBIG when it takes more memory than UNPACK_MEMORY_MAX,
// -ENOMEM.
ssize_t unpacker_read(struct unpacker *u, void *out, size_t size);
// Whether the input may end here; if not, it was truncated.
bool unpacker_at_end(const struct unpacker *u);
// Compressed bytes used so far: near here are damages.
uint64_t unpacker_offset(const struct unpacker *u);
