// Files with secrets: read only if no other user can read them, written so that none could at any
// time. Lines of `word value`; a line that begins with '#' and a blank is a comment. Not included
// outside transport/.
#pragma once
#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"

#define SECRET_FILE_MAX (64u << 10)

// Reads a whole file. Refused with -EPERM and what to do if others can write it or, with
// `is_secret`, read it. -EFBIG, -ENOENT, ...; a NUL in it is -EINVAL.
int secret_read(const char *path, bool is_secret, struct buf *ret, struct err *err);
// Writes atomically, synced, mode 0600: a new file that is renamed. With `exclusive`, -EEXIST if
// the file exists.
int secret_write(const char *path, const void *data, size_t len, bool exclusive, struct err *err);

// The lines of a text, one by one.
struct lines {
    const char *at;
    const char *end;
    unsigned number; // of the line read last
    char word[32];
    char value[512];
};
void lines_init(struct lines *l, const char *text, size_t len);
// 1 with a word and its value, 0 at the end, -EINVAL for a malformed line.
int lines_next(struct lines *l);
