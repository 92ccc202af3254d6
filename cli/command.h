// One function per subcommand. `argv` begins behind the command's name; the result is the exit
// status.
#pragma once

int cli_run(int argc, char **argv);
int cli_map(int argc, char **argv);
int cli_pipe(int argc, char **argv);
int cli_call(int argc, char **argv);
int cli_check(int argc, char **argv);
int cli_coordinator(int argc, char **argv);
int cli_worker(int argc, char **argv);
int cli_deploy_ssh(int argc, char **argv);
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
int cli_keygen(int argc, char **argv);
int cli_invite(int argc, char **argv);
int cli_revoke(int argc, char **argv);
int cli_schema(int argc, char **argv);
int cli_completion(int argc, char **argv);
