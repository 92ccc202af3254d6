#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/parse.h"
#include "base/signals.h"
#include "cli/args/describe.h"
#include "cli/args/exit_code.h"
#include "cli/jobs/commands.h"
#include "cli/oneliner/commands.h"
#include "cli/run/commands.h"
#include "cli/service/commands.h"

static const struct command {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *usage; // NULL: not in the list of `fanmill help`
    const char *about;
} commands[] = {
    {"run", cli_run, "run JOB.yaml", "run a job, here or on a coordinator, and write its results"},
    {"map", cli_map, "map COMMAND ::: ITEMS", "run a command for each item"},
    {"pipe", cli_pipe, "pipe COMMAND <DATA", "run a command on each piece of data"},
    {"call", cli_call, "call KERNEL ::: ITEMS", "call a C function with items"},
    {"check", cli_check, "check JOB.yaml", "tell every mistake in a job file; start nothing"},
    {"coordinator", cli_coordinator, "coordinator",
     "take jobs and hand them to workers, until told"},
    {"worker", cli_worker, "worker", "run chunks for a coordinator"},
    {"submit", cli_submit, "submit JOB.yaml", "give a job to a coordinator; prints its number"},
    {"status", cli_status, "status [JOB]", "how jobs stand"},
    {"wait", cli_wait, "wait [JOB]", "until jobs have ended"},
    {"results", cli_results, "results [JOB]", "a job's results, kept or as they come"},
    {"logs", cli_logs, "logs [JOB]", "what its chunks wrote to standard error"},
    {"cancel", cli_cancel, "cancel JOB", "end jobs"},
    {"retry", cli_retry, "retry JOB", "run a job, or what failed of it, again"},
    {"forget", cli_forget, "forget JOB", "drop jobs that have ended, and their results"},
    {"explain", cli_explain, "explain [JOB]", "why its chunks do not run"},
    {"workers", cli_workers, "workers", "the workers of a coordinator"},
    {"drain", cli_drain, "drain WORKER", "let workers finish and leave"},
    {"top", cli_top, "top", "workers and jobs, once a second"},
    {"service", cli_service, "service", "counts of the coordinator itself"},
    {"invite", cli_invite, "invite ROLE NAME", "a key for one more worker or user"},
    {"revoke", cli_revoke, "revoke NAME", "take a key back"},
    {"keygen", cli_keygen, "keygen", "the coordinator's own key"},
    {"schema", cli_schema, "schema", "the job file's JSON Schema, for editors"},
    {"completion", cli_completion, "completion SHELL", "what bash, zsh or fish complete"},
    {"worker deploy-ssh", cli_deploy_ssh, NULL, "workers on other machines, by ssh"},
};

#define N_COMMANDS (sizeof(commands) / sizeof(commands[0]))

static int give_help(FILE *out)
{
    fputs("fanmill fans chunks of work out to processes and gathers their results in order.\n\n"
          "Usage: fanmill COMMAND ...\n\n",
          out);
    for (size_t i = 0; i < N_COMMANDS; i++)
        if (commands[i].usage)
            fprintf(out, "  %-24s %s\n", commands[i].usage, commands[i].about);
    fputs("  help [COMMAND]           this text, or a command's\n\n"
          "Examples:\n"
          "  fanmill map gzip -9 ::: *.log\n"
          "  fanmill pipe --reduce builtin:sum -- wc -l < big\n"
          "  fanmill run pipelines/examples/word-count.yaml\n"
          "  fanmill run -j 4 -p points=100000 pipelines/examples/monte-carlo-pi.yaml\n"
          "  fanmill coordinator &  fanmill worker &  fanmill submit job.yaml; fanmill results\n"
          "\n"
          "fanmill --version tells the version. The job file is described in "
          "docs/guide/job-file.md,\none-liners in docs/guide/one-liners.md, many machines in "
          "docs/guide/cluster.md.\n",
          out);
    return fflush(out) == 0 ? EXIT_ALL_WELL : EXIT_OUTPUT;
}

static const struct command *find(const char *name)
{
    for (size_t i = 0; i < N_COMMANDS; i++)
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    return NULL;
}

struct describing {
    const char *about;
    describe_fn *visit;
    void *arg;
};

static void describe(void *arg, const struct args *args)
{
    const struct describing *d = arg;
    d->visit(d->arg, d->about, args);
}

void commands_describe(describe_fn *visit, void *arg)
{
    static const struct args help = {.command = "help",
                                     .usage = "[COMMAND]",
                                     .about = "Tells what a command does and takes.\n",
                                     .words_max = 1};
    for (size_t i = 0; i < N_COMMANDS; i++) {
        struct describing d = {commands[i].about, visit, arg};
        args_describe(commands[i].run, describe, &d);
    }
    visit(arg, "what a command does and takes", &help);
}

struct looking {
    const char *flag;
    bool takes_value;
};

static void look(void *arg, const char *about, const struct args *args)
{
    struct looking *l = arg;
    (void)about;
    for (size_t i = 0; i < args->n; i++) {
        const struct arg *known = &args->table[i];
        bool is_it = l->flag[1] == '-' ? strcmp(l->flag + 2, known->name) == 0
                                       : l->flag[1] == known->letter && !l->flag[2];
        l->takes_value |= is_it && known->meta;
    }
}

// Whether the word behind it is a flag's value. In front of a command's name no more is known than
// that some command has the flag.
static bool takes_value(const char *flag)
{
    struct looking l = {.flag = flag};
    commands_describe(look, &l);
    return l.takes_value;
}

// Where in argv the command's name stands, behind flags of its own; argc: nowhere.
static int find_word(int argc, char **argv)
{
    int i = 1;
    while (i < argc && argv[i][0] == '-' && argv[i][1] && strcmp(argv[i], "--") != 0)
        i += takes_value(argv[i]) ? 2 : 1;
    return i < argc ? i : argc;
}

// The flags go behind the name.
static int run_behind(const struct command *command, int at, int argc, char **argv)
{
    for (int i = at; i > 1; i--)
        argv[i] = argv[i - 1];
    return command->run(argc - 2, argv + 2);
}

static int unknown(const char *name)
{
    const char *names[N_COMMANDS + 1] = {"help"};
    for (size_t i = 0; i < N_COMMANDS; i++)
        names[i + 1] = commands[i].name;
    const char *near = parse_nearest(name, names, N_COMMANDS + 1);
    fprintf(stderr, "fanmill: '%s' is not a command", name);
    if (near)
        fprintf(stderr, " (did you mean '%s'?)", near);
    fprintf(stderr, "\ntry: fanmill help\n");
    return EXIT_USAGE;
}

static int show_help(int argc, char **argv)
{
    if (argc > 0 && strcmp(argv[0], "--man") == 0)
        return give_man(argc > 1 ? argv[1] : "fanmill");
    if (argc > 0 && argv[0][0] != '-') {
        const struct command *command = find(argv[0]);
        char *option = (char[]){"--help"};
        return command ? command->run(1, &option) : unknown(argv[0]);
    }
    return give_help(stdout);
}

// A descriptor below 3 that the caller closed would become a socket of ours. Read-only, so that
// writing results to a closed standard output fails instead of vanishing.
static void keep_standard_files(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDONLY) < 0)
            exit(EXIT_FAULT);
}

// Messages of a few MiB come and go all the time: given back to the kernel after each, their pages
// would be cleared again for the next. 7 % of a stream of 1 MiB results (bench/cluster).
static void keep_some_memory(void)
{
    mallopt(M_MMAP_THRESHOLD, 8 << 20);
    mallopt(M_TRIM_THRESHOLD, 32 << 20);
}

int main(int argc, char **argv)
{
    keep_some_memory();
    keep_standard_files();
    signal_ignore(SIGPIPE);
    signal_ignore(SIGXFSZ); // a file that may not grow is an error, told as one
    // A command that tells its progress on them may be asked before it listens.
    signal_ignore(SIGUSR1);
    signal_ignore(SIGUSR2);
    if (argc < 2) {
        give_help(stderr);
        return EXIT_USAGE;
    }
    const char *word = argv[1];
    if (strcmp(word, "--version") == 0 || strcmp(word, "-V") == 0) {
        printf("fanmill %s\n", FM_VERSION);
        return fflush(stdout) == 0 ? EXIT_ALL_WELL : EXIT_OUTPUT;
    }
    if (strcmp(word, "help") == 0 || strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0)
        return show_help(argc - 2, argv + 2);
    int at = find_word(argc, argv);
    const struct command *command = at < argc ? find(argv[at]) : NULL;
    if (command)
        return run_behind(command, at, argc, argv);
    if (at < argc)
        return unknown(argv[at]);
    fprintf(stderr, "fanmill: which command? '%s' is a flag of one\ntry: fanmill help\n", word);
    return EXIT_USAGE;
}
