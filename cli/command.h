// One function per subcommand. `argv` begins behind the command's name; the result is the exit
// status.
#pragma once

int cli_run(int argc, char **argv);
int cli_check(int argc, char **argv);
