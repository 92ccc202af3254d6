// Puts the item before each line of its command's output, for `--tag`.
#pragma once
#include <stdbool.h>

#include "base/buf.h"

// Appends `data` with the tag and a tab at the begin of each line. `mid_line`: whether `out` ends
// within a line, kept from call to call. -ENOBUFS, -ENOMEM.
int tag_add(struct buf *out, bool *mid_line, const void *tag, size_t tag_len, const void *data,
            size_t len);
// Rewrites what follows `begin`. A last line without a newline stays without one. -ENOBUFS,
// -ENOMEM.
int tag_lines(struct buf *out, size_t begin, const void *tag, size_t len);
