// The commands of this room. `argv` begins after the command's name; the result is the exit
// status.
#pragma once

int cli_coordinator(int argc, char **argv);
int cli_worker(int argc, char **argv);
int cli_deploy_ssh(int argc, char **argv);
int cli_keygen(int argc, char **argv);
int cli_invite(int argc, char **argv);
int cli_revoke(int argc, char **argv);
