// What the commands that ask a coordinator something have in common.
#pragma once
#include "cli/args/args.h"
#include "cli/args/exit_code.h"
#include "cli/follow/connect.h"

#define JOB_FORMS "a number, a range like 3-7, last or all"

// The jobs that a command is about, as QUERY and CONTROL take them.
struct job_range {
    uint64_t first, last;
};

// Reads the command line and the job's word in it, `other` if there is none. 0, or what
// args_parse() returns.
int ask_parse(const char *command, const struct args *args, void *options, int argc, char **argv,
              const char *other, struct job_range *ret, int *ret_status);
// The status once standard output is written: EXIT_OUTPUT when it can't be.
int ask_done(int status);
// Prints that the coordinator has no such job. Returns the exit status.
int ask_no_job(void);
