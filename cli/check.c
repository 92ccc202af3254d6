#include <stdio.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "cli/command.h"
#include "cli/options.h"
#include "cli/status.h"
#include "pipelines/load.h"

static const char help[] =
    "Usage: fanmill check JOB.yaml... [-p NAME=VALUE]... [-q]\n"
    "\n"
    "Reads job files and tells every mistake with its place. Starts nothing.\n"
    "\n"
    "  -p, --param NAME=VALUE   set a parameter of the job\n"
    "  -q, --quiet              say nothing when all is well\n"
    "\n"
    "Exit status: 0 all files are valid, 2 some are not.\n";

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
    _cleanup_(options_done)
    struct options o = {0};
    int status = EXIT_ALL_WELL;
    if (options_parse(&o, "check", OPTIONS_JOBS_MAX, argc, argv) < 0)
        return EXIT_USAGE;
    if (o.help) {
        fputs(help, stdout);
        return EXIT_ALL_WELL;
    }
    const struct load_options load = {.params = o.params, .n_params = o.n_params};
    for (size_t i = 0; i < o.n_files; i++) {
        _cleanup_(load_report_done)
        struct load_report report = {0};
        struct plan *plan = NULL;
        int r = load_file(o.files[i], &load, &plan, &report);
        fd_write_all(STDERR_FILENO, report.text.data, report.text.len);
        if (r < 0)
            status = EXIT_USAGE;
        else if (!o.quiet)
            describe(o.files[i], plan);
        plan_free(plan);
    }
    return fflush(stdout) == 0 ? status : EXIT_OUTPUT;
}
