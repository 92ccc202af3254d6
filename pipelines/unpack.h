// Compressed files as plain bytes: gzip (several members) and zstd (several frames), known by their
// first bytes, whatever their names. Memory is bounded, and so is the output of one call.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

enum unpack_kind { UNPACK_NONE, UNPACK_GZIP, UNPACK_ZSTD };

#define UNPACK_MAGIC_BYTES 4u
// The kind of a file that begins with these bytes.
enum unpack_kind unpack_kind_of(const void *data, size_t len);

struct unpacker;
// -ENOMEM.
int unpacker_new(enum unpack_kind kind, struct unpacker **ret);
// Accepts NULL. Returns NULL.
struct unpacker *unpacker_free(struct unpacker *u);
// Takes compressed bytes (borrowed until they are used up); call it only if unpacker_wants().
void unpacker_feed(struct unpacker *u, const void *data, size_t len);
// Whether it needs more input before it can produce any output.
bool unpacker_wants(const struct unpacker *u);
// Returns the number of plain bytes, up to `size`; 0 when it needs more input. -EBADMSG when the
// data are damaged, -ENOMEM.
ssize_t unpacker_read(struct unpacker *u, void *out, size_t size);
// Whether the input may end here; if not, it was truncated.
bool unpacker_at_end(const struct unpacker *u);
