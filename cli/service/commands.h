// The commands of this room, rows of cli/commands.c. `argv` begins after the command's name; the
// result is the exit status.
#pragma once
#include "cli/args/args.h"

extern const struct args coordinator_args;
int cli_coordinator(int argc, char **argv);
extern const struct args worker_args;
int cli_worker(int argc, char **argv);
extern const struct args deploy_ssh_args;
int cli_deploy_ssh(int argc, char **argv);
extern const struct args invite_args;
int cli_invite(int argc, char **argv);
extern const struct args keys_args;
int cli_keys(int argc, char **argv);
extern const struct args revoke_args;
int cli_revoke(int argc, char **argv);
extern const struct args keygen_args;
int cli_keygen(int argc, char **argv);
