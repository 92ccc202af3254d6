// Text in lines of a terminal's width.
#pragma once
#include <stddef.h>

#include "base/buf.h"

#define FILL_COLUMNS 80u

// Appends `text` with line breaks between words, so that no line is longer than FILL_COLUMNS; lines
// after the first begin with `indent` blanks. `at` is the column that the first one begins at. A
// line of the text that begins with a blank is kept as it is, an empty one parts paragraphs. No
// line begins with a dash: it would look like a flag. Ends with a newline. -ENOMEM, -ENOBUFS.
int fill(struct buf *out, const char *text, size_t at, size_t indent);
// The same in lines of `columns`.
int fill_to(struct buf *out, const char *text, size_t at, size_t indent, size_t columns);
