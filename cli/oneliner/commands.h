// The commands of this room. `argv` begins after the command's name; the result is the exit
// status.
#pragma once

int cli_map(int argc, char **argv);
int cli_pipe(int argc, char **argv);
int cli_call(int argc, char **argv);
