// The commands of this room. `argv` begins after the command's name; the result is the exit
// status.
#pragma once

int cli_run(int argc, char **argv);
