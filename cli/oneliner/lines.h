// The pieces of a file that is read whole, for lists that must be known before a job starts.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

// A piece, without its delimiter and without a NUL. Negative errno ends the reading.
typedef int lines_fn(void *arg, const char *text, size_t len);

// Reads a file ("-": standard input) to its end and gives its pieces. `trims_cr`: a CR before a
// newline belongs to it. Blocking. -EFBIG past `max`
// bytes, -EILSEQ for a NUL inside of a piece, what `fn` returned, and others, with text.
int lines_read(const char *path, uint8_t delimiter, bool trims_cr, size_t max, lines_fn *fn,
               void *arg, struct err *err);
