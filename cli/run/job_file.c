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

int cli_run(int argc, char **argv)
{
    struct run_options o = {0};
    struct args_params params = {0};
    struct words words;
    int status;
    run_begin(&o);
    const struct arg table[] = {
        {'j', "slots", ARG_SLOTS, &o.slots, "N",
         "chunks that run at once; default: the CPUs this process may use"},
        {'p', "param", ARG_PARAM, &params, "NAME=VALUE", "set a parameter of the job"},
        {0, "json", ARG_FLAG, &o.json, NULL, "an object for each chunk, failures included"},
        RUN_ARGS(o),
    };
    const struct args args = {
        .command = "run",
        .usage = "[-j N] [-p NAME=VALUE]... [--connect WHERE] [-q | -v] JOB.yaml",
        .about = "Runs a job on this machine: a worker process with N slots beside this one, no "
                 "daemon, nothing\nleft behind. With --connect (or FANMILL_CONNECT) the same on "
                 "the workers of a coordinator. The\nsource is read here, and results go to the "
                 "job's sink here, standard output by default.\n",
        .more =
            "Ctrl-C once ends what runs (TERM, 5 s later KILL), twice kills it. SIGUSR1 tells how "
            "the job stands,\nSIGUSR2 turns the progress line on and off.\n"
            "\n"
            "Exit status: 0 all well, 1 some chunk failed, 2 usage or job file, 3 the coordinator "
            "or the worker\nwas lost, 4 ended early, 5 output could not be written, 125 a fault in "
            "fanmill, 126 or 127 a\ncommand could not be run or was not found, 128+N ended by "
            "signal N.\n",
        .table = table,
        .n = sizeof(table) / sizeof(table[0]),
        .words_min = 1,
        .words_max = 1,
        .missing = "which job? give a job file"};
    int r = args_parse(&args, argc, argv, &words, &status);
    if (r == 0)
        r = run_check("run", &o, &status);
    if (r == 0)
        status = load_and_run(words.list[0], &params, &o);
    args_params_done(&params);
    run_end(&o);
    return status;
}
