// The commands of this room, rows of cli/commands.c. `argv` begins after the command's name; the
// result is the exit status.
#pragma once
#include "cli/args/args.h"

extern const struct args check_args;
int cli_check(int argc, char **argv);
extern const struct args submit_args;
int cli_submit(int argc, char **argv);
extern const struct args status_args;
int cli_status(int argc, char **argv);
extern const struct args wait_args;
int cli_wait(int argc, char **argv);
extern const struct args results_args;
int cli_results(int argc, char **argv);
extern const struct args logs_args;
int cli_logs(int argc, char **argv);
extern const struct args cancel_args;
int cli_cancel(int argc, char **argv);
extern const struct args hold_args;
int cli_hold(int argc, char **argv);
extern const struct args release_args;
int cli_release(int argc, char **argv);
extern const struct args retry_args;
int cli_retry(int argc, char **argv);
extern const struct args forget_args;
int cli_forget(int argc, char **argv);
extern const struct args explain_args;
int cli_explain(int argc, char **argv);
extern const struct args workers_args;
int cli_workers(int argc, char **argv);
extern const struct args drain_args;
int cli_drain(int argc, char **argv);
extern const struct args top_args;
int cli_top(int argc, char **argv);
extern const struct args service_args;
int cli_service(int argc, char **argv);
extern const struct args schema_args;
int cli_schema(int argc, char **argv);
