// A word as a shell would have to be given it.
#pragma once
#include <stddef.h>

#include "base/buf.h"

// Appends it: as it is when nothing in it means something to a shell, else in single quotes;
// control characters but the newline, which a terminal would obey, as $'\\033'. -ENOMEM, -ENOBUFS.
int quote_word(struct buf *out, const void *word, size_t len);
