// The commands of this room, rows of cli/commands.c. `argv` begins after the command's name; the
// result is the exit status.
#pragma once
#include "cli/args/args.h"

extern const struct args map_args;
int cli_map(int argc, char **argv);
extern const struct args pipe_args;
int cli_pipe(int argc, char **argv);
extern const struct args call_args;
int cli_call(int argc, char **argv);
