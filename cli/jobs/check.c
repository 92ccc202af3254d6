// `fanmill check`: reads job files and reports what is wrong in them.
#include <stdio.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "cli/args/args.h"
#include "cli/args/exit_code.h"
#include "cli/jobs/commands.h"
#include "cli/text/count.h"
#include "pipelines/build/load.h"

static const char *rule_name(enum chunk_rule rule)
{
    static const char *const names[] = {"auto", "items", "bytes", "lines", "parts"};
    return names[rule];
}

static void describe(const char *file, const struct plan *plan)
{
    printf("%s: ok: %s, %s:", file, plan->name, count(plan->n_steps, "step").text);
    for (size_t i = 0; i < plan->n_steps; i++) {
        const struct step *step = &plan->steps[i];
        printf("%s %s", i ? "," : "", count(step->n_stages, "stage").text);
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

struct check_command {
    struct args_params params;
    bool quiet;
};

static const struct arg flags[] = {
    {'p', "param", SETS_PARAM(struct check_command, params), "NAME=VALUE",
     "set a parameter of the job"},
    {'q', "quiet", SETS_FLAG(struct check_command, quiet), NULL, "print nothing for valid files"},
    {0},
};
const struct args check_args = {
    .usage = "[-p NAME=VALUE]... [-q] JOB.yaml...",
    .about = "Checks job files and reports every mistake with its line and column, up to 20. "
             "Starts nothing.\n",
    .more = "Exit status: 0 all files are valid, 2 some are not.\n",
    .tables = {{.list = flags}},
    .operands = {{.offer = OFFER_JOB_FILE}},
    .n_operands = 1,
    .repeats = true,
    .n_required = 1,
    .missing = "missing job file"};

int cli_check(int argc, char **argv)
{
    struct check_command c = {0};
    struct word_list files;
    int status;
    int r = args_parse("check", &check_args, &c, argc, argv, &files, &status);
    if (r == 0)
        status = EXIT_ALL_WELL;
    const struct load_options load = {.params = c.params.list, .n_params = c.params.n};
    for (size_t i = 0; r == 0 && i < files.n; i++) {
        _cleanup_(load_report_done)
        struct load_report report = {0};
        struct plan *plan = NULL;
        int loaded = load_file(files.list[i], &load, &plan, &report);
        fd_write_all(STDERR_FILENO, report.text.data, report.text.len);
        if (loaded < 0)
            status = EXIT_USAGE;
        else if (!c.quiet)
            describe(files.list[i], plan);
        plan_free(plan);
    }
    args_params_done(&c.params);
    return r < 0 || fflush(stdout) == 0 ? status : EXIT_OUTPUT;
}
