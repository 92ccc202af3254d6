// Files with secrets: read only when no other user can, written so that no other user ever could.
// No file outside transport/ includes this.
#pragma once
#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"

#define SECRET_FILE_MAX (64u << 10)

// Reads a whole file. `is_secret`: refused when others can read it; else only when others can write
// it. -EPERM with what to do, -EFBIG, -ENOENT, ...; -EINVAL: it contains a NUL.
int secret_read(const char *path, bool is_secret, struct buf *ret, struct err *err);
// Writes a new file next to it and renames: whole, synced, mode 0600. With `exclusive`, -EEXIST
// when the file exists.
int secret_write(const char *path, const void *data, size_t len, bool exclusive, struct err *err);
// Overwrites the bytes and frees them.
void secret_wipe(struct buf *text);
