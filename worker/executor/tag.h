// Each line of a command's output behind the item it came from, as `--tag` has it.
#pragma once
#include "base/buf.h"

// Rewrites what stands behind `begin`. A last line without its end stays without. -ENOBUFS,
// -ENOMEM.
int tag_lines(struct buf *out, size_t begin, const void *tag, size_t len);
