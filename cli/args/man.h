// Manual pages in the roff of man(7), and a command's table as a part of one.
#pragma once
#include "base/buf.h"
#include "cli/args/command.h"

struct man_page {
    struct buf *out;
    int error; // sticky: 0, -ENOMEM or -ENOBUFS
};

// .TH and NAME: "fanmill", 1, "fan chunks of work out ...".
void man_begin(struct man_page *page, const char *name, int section, const char *what);
void man_section(struct man_page *page, const char *name);
// Paragraphs; lines that begin with a blank are kept as they are. What stands between backticks
// becomes bold.
void man_text(struct man_page *page, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
// A term and what it means, in one paragraph.
void man_item(struct man_page *page, const char *term, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
// A section of its own for a command: usage, flags, examples.
void man_command(struct man_page *page, const struct command *command);
