// The commands of this room, rows of cli/commands.c. `argv` begins after the command's name; the
// result is the exit status.
#pragma once
#include "cli/args/args.h"

extern const struct args run_args;
int cli_run(int argc, char **argv);
extern const struct args sem_args;
int cli_sem(int argc, char **argv);
