// The commands of the program: the table, and what goes by all of its rows.
#pragma once
#include <stdio.h>

#include "cli/args/command.h"

// The command that argv begins with: one of two words if it exists, else one of one. NULL: none.
// *ret_words is how many.
const struct command *command_find(int argc, char **argv, int *ret_words);
// Whether some command has the flag, "-j" or "--slots", and takes a value for it.
bool command_takes_value(const char *flag);
// "'mpa' is not a command (did you mean 'map'?)". Returns the status for a usage error.
int command_unknown(const char *name);
// The list that `fanmill help` shows. Returns the exit status.
int command_print_all(FILE *out);
