// A word quoted for a shell.
#pragma once
#include <stddef.h>

#include "base/buf.h"

// Appends it: as it is when nothing in it is special to a shell, else in single quotes; control
// characters except newline, which a terminal would obey, as $'\\033'. -ENOMEM, -ENOBUFS.
int quote_word(struct buf *out, const void *word, size_t len);
