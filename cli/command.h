// One function per subcommand. `argv` begins behind the command's name; the result is the exit
// status.
#pragma once

int command_run(int argc, char **argv);
int command_check(int argc, char **argv);
