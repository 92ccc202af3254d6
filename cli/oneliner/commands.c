#include "cli/oneliner/commands.h"

#include "cli/args/exit_code.h"
#include "cli/oneliner/oneliner.h"

static int run_oneliner(enum oneliner_kind kind, const char *command, int argc, char **argv)
{
    struct oneliner o = {.kind = kind, .command = command};
    struct plan *plan = NULL;
    int status;
    run_begin(&o.run);
    int r = oneliner_read(&o, argc, argv, &status);
    if (r == 0)
        r = run_check(command, &o.run, &status);
    if (r == 0)
        status = oneliner_plan(&o, &plan) < 0 ? EXIT_USAGE : run_plan(plan, &o.run);
    run_end(&o.run);
    return status;
}

int cli_map(int argc, char **argv)
{
    return run_oneliner(ONELINER_MAP, "map", argc, argv);
}

int cli_pipe(int argc, char **argv)
{
    return run_oneliner(ONELINER_PIPE, "pipe", argc, argv);
}

int cli_call(int argc, char **argv)
{
    return run_oneliner(ONELINER_CALL, "call", argc, argv);
}
