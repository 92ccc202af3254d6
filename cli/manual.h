// fanmill(1): the commands' tables, and what they don't say. Every number is that of the constant
// in the code.
#pragma once
#include "cli/args/man.h"

// Appends the page. 0, -ENOMEM or -ENOBUFS.
int manual_write(const struct command_list *commands, struct buf *out);
// The sections about one-liners.
void manual_oneliners(struct man_page *page);
// The limits, each with its number.
void manual_limits(struct man_page *page);
// fanmill-job(5), with the limits that a job meets when it runs. 0, -ENOMEM or -ENOBUFS.
int manual_job(struct buf *out);
