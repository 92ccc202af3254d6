// Files with secrets: read only when nobody else can, written so that nobody else could at any
// time. Lines of `word value`; a line that begins with '#' and a blank is a comment. Nobody outside
// transport/ includes this.
#pragma once
#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"

#define SECRET_FILE_MAX (64u << 10)

// Reads a whole file. `is_secret`: refused when others can read it; else only when others can write
// it. -EPERM with what to do, -EFBIG, -ENOENT, ...; a NUL in it is -EINVAL.
int secret_read(const char *path, bool is_secret, struct buf *ret, struct err *err);
// Writes a new file beside it and renames: whole, synced, mode 0600. With `exclusive`, -EEXIST when
// the file is there.
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
// 1 with a word and its value, 0 at the end, -EINVAL for what is no such line.
int lines_next(struct lines *l);
