// Text for a manual page, in the roff of man(7).
#pragma once
#include "base/buf.h"

// Appends the text so that man shows it unchanged: backslashes, hyphens, and a dot or quote at the
// beginning of a line lose their meaning. Text in backticks becomes bold. -ENOMEM, -ENOBUFS.
int roff_text(struct buf *out, const char *text);
// Lines as paragraphs: consecutive lines are filled, lines that begin with a blank stay as they
// are, an empty line separates two paragraphs.
int roff_paragraphs(struct buf *out, const char *lines);
