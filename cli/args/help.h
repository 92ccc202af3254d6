// --help: a command's table in words.
#pragma once
#include "base/buf.h"
#include "cli/args/args.h"

// Prints the help. Returns the exit status.
int help_print(const char *command, const struct args *args);
// What a person needs first, for a command that was called without what it works on: usage and two
// examples, on stderr. Returns the status for a usage error.
int help_print_short(const char *command, const struct args *args);
// What a flag does, with its words and its default, as help, manual page and completions show it.
// -ENOMEM, -ENOBUFS.
int help_of_flag(const struct arg *flag, struct buf *out);
