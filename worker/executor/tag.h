// Puts the item before each line of its command's output, for `--tag`.
#pragma once
#include "base/buf.h"

// Rewrites what follows `begin`. A last line without a newline stays without one. -ENOBUFS,
// -ENOMEM.
int tag_lines(struct buf *out, size_t begin, const void *tag, size_t len);
