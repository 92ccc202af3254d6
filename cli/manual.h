// fanmill(1): what the commands' tables do not say. Every number comes from the constant that is
// in force.
#pragma once
#include "cli/args/man.h"

// Appends the page. 0, -ENOMEM or -ENOBUFS.
int manual_write(const struct command_list *commands, struct buf *out);
// The sections about one-liners.
void manual_oneliners(struct man_page *page);
// The limits, each with its number.
void manual_limits(struct man_page *page);
