// Text for a manual page, in the roff of man(7).
#pragma once
#include "base/buf.h"

// Appends the text so that it is shown as it reads: backslashes, hyphens and a dot or quote where a
// line begins lose their meaning. Text between backticks becomes bold. -ENOMEM, -ENOBUFS.
int roff_text(struct buf *out, const char *text);
// Lines as paragraphs: consecutive lines are filled, lines that begin with a blank stay as they
// are, an empty line separates two paragraphs.
int roff_paragraphs(struct buf *out, const char *lines);
