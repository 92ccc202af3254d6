// A kernel's library, named by path and digest, so that a machine with another file at that path,
// or none, can be sent the right one.
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/digest.h"
#include "base/err.h"

#define LIBRARY_BYTES_MAX (64u << 20) // larger ones are not sent

// The file's digest; all zero for one that is too large to be sent. Blocking. -ENOENT, -EACCES, ...
int library_digest(const char *path, uint8_t ret[DIGEST_BYTES]);
// Appends the file, if it has this digest. Blocking. -ESTALE with text: the file has changed.
int library_read(const char *path, const uint8_t digest[DIGEST_BYTES], struct buf *out,
                 struct err *err);
