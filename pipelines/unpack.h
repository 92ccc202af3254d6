// Compressed files as plain bytes: gzip (several members) and zstd (several frames), known by their
// first bytes, whatever they are called. Memory is bounded; so is what one call gives.
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

enum unpack_kind { UNPACK_NONE, UNPACK_GZIP, UNPACK_ZSTD };

#define UNPACK_MAGIC_BYTES 4u
// What a file is that begins with these bytes.
enum unpack_kind unpack_kind_of(const void *data, size_t len);

struct unpacker;
// -ENOMEM.
int unpacker_new(enum unpack_kind kind, struct unpacker **ret);
// Accepts NULL. Returns NULL.
struct unpacker *unpacker_free(struct unpacker *u);
// Takes compressed bytes in (borrowed until they are used up), only when unpacker_wants().
void unpacker_feed(struct unpacker *u, const void *data, size_t len);
// Whether it needs more bytes before it can give any.
int unpacker_wants(const struct unpacker *u);
// Gives up to `size` plain bytes: how many, 0 when it wants more. -EBADMSG when the data are
// damaged, -ENOMEM.
ssize_t unpacker_read(struct unpacker *u, void *out, size_t size);
// Whether the input may end here; else it was cut off.
int unpacker_at_end(const struct unpacker *u);
