#include <stdio.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "cli/args/args.h"
#include "cli/args/exit_code.h"
#include "cli/jobs/commands.h"
#include "pipelines/build/load.h"

static const char *rule_name(enum chunk_rule rule)
{
    static const char *const names[] = {"auto", "items", "bytes", "lines", "parts"};
    return names[rule];
}

static void describe(const char *file, const struct plan *plan)
{
    printf("%s: ok: %s, %zu step%s:", file, plan->name, plan->n_steps,
           plan->n_steps == 1 ? "" : "s");
    for (size_t i = 0; i < plan->n_steps; i++) {
        const struct step *step = &plan->steps[i];
        printf("%s %zu stage%s", i ? "," : "", step->n_stages, step->n_stages == 1 ? "" : "s");
        if (step->is_reduce && step->fan_in == PLAN_FAN_IN_ALL)
            printf(" reducing all at once");
        else if (step->is_reduce)
            printf(" reducing %u at a time", step->fan_in);
        else if (step->chunking.n)
            printf(" by %llu %s", (unsigned long long)step->chunking.n,
                   rule_name(step->chunking.rule));
        else
            printf(" by %s", rule_name(step->chunking.rule));
    }
    printf("\n");
}

int cli_check(int argc, char **argv)
{
    _cleanup_(args_params_done)
    struct args_params params = {0};
    bool quiet = false;
    int status;
    struct words files;
    const struct arg table[] = {
        {'p', "param", ARG_PARAM, &params, "NAME=VALUE", "set a parameter of the job"},
        {'q', "quiet", ARG_FLAG, &quiet, NULL, "say nothing when all is well"},
    };
    const struct args args = {
        .command = "check",
        .usage = "[-p NAME=VALUE]... [-q] JOB.yaml...",
        .about = "Reads job files and tells every mistake with its place. Starts nothing.\n",
        .more = "Exit status: 0 all files are valid, 2 some are not.\n",
        .table = table,
        .n = sizeof(table) / sizeof(table[0]),
        .words_min = 1,
        .words_max = ARGS_WORDS_MAX,
        .missing = "which job? give a job file"};
    if (args_parse(&args, argc, argv, &files, &status) != 0)
        return status;
    status = EXIT_ALL_WELL;
    const struct load_options load = {.params = params.list, .n_params = params.n};
    for (size_t i = 0; i < files.n; i++) {
        _cleanup_(load_report_done)
        struct load_report report = {0};
        struct plan *plan = NULL;
        int r = load_file(files.list[i], &load, &plan, &report);
        fd_write_all(STDERR_FILENO, report.text.data, report.text.len);
        if (r < 0)
            status = EXIT_USAGE;
        else if (!quiet)
            describe(files.list[i], plan);
        plan_free(plan);
    }
    return fflush(stdout) == 0 ? status : EXIT_OUTPUT;
}
