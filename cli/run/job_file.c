// `fanmill run`: a job from a file.
#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/fd.h"
#include "cli/args/args.h"
#include "cli/args/exit_code.h"
#include "cli/run/commands.h"
#include "cli/run/run.h"
#include "pipelines/build/load.h"

// --json is short for the job's `sink: {stdout: json}`.
static void take_json(struct plan *plan)
{
    free(plan->sink.path);
    free(plan->sink.name);
    plan->sink = (struct sink){.kind = SINK_STDOUT, .format = FORMAT_JSON};
}

static int load_and_run(const char *file, const struct args_params *params,
                        const struct run_options *o)
{
    _cleanup_(load_report_done)
    struct load_report report = {0};
    struct plan *plan = NULL;
    const struct load_options load = {.params = params->list,
                                      .n_params = params->n,
                                      .parallelism = o->slots,
                                      .reads_stdin = true};
    int r = load_file(file, &load, &plan, &report);
    fd_write_all(STDERR_FILENO, report.text.data, report.text.len);
    if (r < 0)
        return EXIT_USAGE;
    if (o->json)
        take_json(plan);
    return run_plan(plan, o);
}

struct run_command {
    struct run_options run;
    struct args_params params;
};

static const struct arg flags[] = {
    {'j', "slots", SETS_SLOTS(struct run_command, run.slots), "N",
     "run N chunks at once; N%, +N, -N: of the CPUs", "the CPUs of this process"},
    {'p', "param", SETS_PARAM(struct run_command, params), "NAME=VALUE",
     "set a parameter of the job"},
    {0, "json", SETS_FLAG(struct run_command, run.json), NULL,
     "print a JSON object per chunk, failed ones too"},
    {0},
};

const struct args run_args = {
    .usage = "[-j N] [-p NAME=VALUE]... [--connect WHERE] JOB.yaml",
    .about = "Runs a job on this machine: a worker process with N slots is started for it and "
             "leaves with it; no daemon is needed. With --connect (or FANMILL_CONNECT) the job "
             "runs on the workers of a coordinator instead. Either way the source is read here and "
             "results go to the job's sink here, by default to standard output. The job file is "
             "described in 'man fanmill-job'.\n",
    .more = "Ctrl-C once ends running chunks (TERM, KILL 5 s later), twice kills them. SIGUSR1 "
            "prints the state of the job, SIGUSR2 turns the progress line on and off.\n"
            "\n"
            "Exit status: 0 success, 1 some chunk failed, 2 usage or job file, 3 coordinator or "
            "worker lost, 4 ended early, 5 output could not be written, 125 internal error, 126 or "
            "127 a command could not be run or was not found, 128+N ended by signal N.\n",
    .tables = {{.list = flags}, RUN_TABLES(struct run_command, run)},
    .operands = {{.offer = OFFER_JOB_FILE}},
    .n_operands = 1,
    .n_required = 1,
    .missing = "missing job file"};

int cli_run(int argc, char **argv)
{
    struct run_command c = {0};
    struct word_list words;
    int status;
    run_begin(&c.run);
    int r = args_parse("run", &run_args, &c, argc, argv, &words, &status);
    if (r == 0)
        r = run_check("run", &c.run, &status);
    if (r == 0)
        status = load_and_run(words.list[0], &c.params, &c.run);
    args_params_done(&c.params);
    run_end(&c.run);
    return status;
}
