// The commands of this room. `argv` begins after the command's name; the result is the exit
// status.
#pragma once

int cli_submit(int argc, char **argv);
int cli_status(int argc, char **argv);
int cli_wait(int argc, char **argv);
int cli_results(int argc, char **argv);
int cli_logs(int argc, char **argv);
int cli_cancel(int argc, char **argv);
int cli_retry(int argc, char **argv);
int cli_forget(int argc, char **argv);
int cli_explain(int argc, char **argv);
int cli_workers(int argc, char **argv);
int cli_drain(int argc, char **argv);
int cli_service(int argc, char **argv);
int cli_top(int argc, char **argv);
int cli_check(int argc, char **argv);
int cli_schema(int argc, char **argv);
