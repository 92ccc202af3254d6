#include "cli/commands.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/parse.h"
#include "cli/args/completion.h"
#include "cli/args/exit_code.h"
#include "cli/args/help.h"
#include "cli/jobs/commands.h"
#include "cli/manual.h"
#include "cli/oneliner/commands.h"
#include "cli/oneliner/from_parallel.h"
#include "cli/run/commands.h"
#include "cli/service/commands.h"

#define RUN "Run a job"
#define JOBS "Jobs on a coordinator"
#define SERVICE "Coordinator and workers"
#define KEYS "Keys of other machines and users"
#define OTHER "Other"

static const struct args help_args, completion_args;
static int cli_help(int argc, char **argv);
static int cli_completion(int argc, char **argv);

static const struct command list[] = {
    {"run", RUN, "run JOB.yaml", "run a job, here or on a coordinator", &run_args, cli_run},
    {"map", RUN, "map COMMAND ::: ITEMS", "run a command for each item", &map_args, cli_map},
    {"pipe", RUN, "pipe COMMAND <DATA", "run a command on each chunk of data", &pipe_args,
     cli_pipe},
    {"call", RUN, "call KERNEL ::: ITEMS", "call a C function with items", &call_args, cli_call},
    {"sem", RUN, "sem COMMAND", "run a command once there is a place for it", &sem_args, cli_sem},
    {"check", RUN, "check JOB.yaml", "report every mistake in a job file; start nothing",
     &check_args, cli_check},

    {"submit", JOBS, "submit JOB.yaml", "submit a job to a coordinator; print its number",
     &submit_args, cli_submit},
    {"status", JOBS, "status [JOB]", "show job status", &status_args, cli_status},
    {"wait", JOBS, "wait [JOB]", "wait for jobs to finish", &wait_args, cli_wait},
    {"results", JOBS, "results [JOB]", "write a job's results, kept or as they come", &results_args,
     cli_results},
    {"logs", JOBS, "logs [JOB]", "print what its chunks wrote to standard error", &logs_args,
     cli_logs},
    {"cancel", JOBS, "cancel JOB", "cancel jobs", &cancel_args, cli_cancel},
    {"hold", JOBS, "hold JOB", "start nothing new of jobs", &hold_args, cli_hold},
    {"release", JOBS, "release JOB", "let held jobs go on", &release_args, cli_release},
    {"retry", JOBS, "retry JOB", "run a job again, or only its failed chunks", &retry_args,
     cli_retry},
    {"forget", JOBS, "forget JOB", "drop finished jobs and their results", &forget_args,
     cli_forget},
    {"explain", JOBS, "explain [JOB]", "explain why chunks are not running", &explain_args,
     cli_explain},

    {"coordinator", SERVICE, "coordinator",
     "run the service: accept jobs and dispatch them to workers", &coordinator_args,
     cli_coordinator},
    {"worker", SERVICE, "worker", "run chunks for a coordinator", &worker_args, cli_worker},
    {"workers", SERVICE, "workers", "list the workers of a coordinator", &workers_args,
     cli_workers},
    {"drain", SERVICE, "drain WORKER", "let workers finish and leave", &drain_args, cli_drain},
    {"top", SERVICE, "top", "show workers and jobs, updated every second", &top_args, cli_top},
    {"service", SERVICE, "service", "show the coordinator's counters", &service_args, cli_service},

    {"invite", KEYS, "invite ROLE NAME", "make a key for another worker or user", &invite_args,
     cli_invite},
    {"keys", KEYS, "keys", "list who may connect", &keys_args, cli_keys},
    {"revoke", KEYS, "revoke NAME", "revoke a key", &revoke_args, cli_revoke},
    {"keygen", KEYS, "keygen", "make the coordinator's own key", &keygen_args, cli_keygen},

    {"schema", OTHER, "schema", "print the job file's JSON Schema, for editors", &schema_args,
     cli_schema},
    {"completion", OTHER, "completion SHELL", "print a completion script for bash, zsh or fish",
     &completion_args, cli_completion},
    {"help", OTHER, "help [COMMAND]", "show this text, or the help of a command", &help_args,
     cli_help},

    {"worker deploy-ssh", SERVICE, NULL, "start workers on other machines by ssh", &deploy_ssh_args,
     cli_deploy_ssh},
};
#define N_COMMANDS (sizeof(list) / sizeof(list[0]))

static const struct command_list all = {list, N_COMMANDS};

const struct command *command_find(int argc, char **argv, int *ret_words)
{
    const struct command *found = NULL;
    for (size_t i = 0; i < N_COMMANDS && argc > 0; i++) {
        struct command_words words = command_words(&list[i]);
        bool is_pair = *words.second;
        if (strcmp(words.first, argv[0]) != 0 ||
            (is_pair && (argc < 2 || strcmp(words.second, argv[1]) != 0)))
            continue;
        found = &list[i];
        *ret_words = is_pair ? 2 : 1;
    }
    return found;
}

bool command_takes_value(const char *flag)
{
    COMMANDS_EACH (&all, command)
        ARGS_EACH (command->args, table, known) {
            bool is_it = flag[1] == '-' ? strcmp(flag + 2, known->name) == 0
                                        : flag[1] == known->letter && !flag[2];
            if (is_it && known->value)
                return true;
        }
    return false;
}

int command_unknown(const char *name)
{
    const char *names[N_COMMANDS];
    for (size_t i = 0; i < N_COMMANDS; i++)
        names[i] = list[i].name;
    const char *near = parse_nearest(name, names, N_COMMANDS);
    fprintf(stderr, "fanmill: '%s' is not a command", name);
    if (near)
        fprintf(stderr, " (did you mean '%s'?)", near);
    fprintf(stderr, "\ntry: fanmill help\n");
    return EXIT_USAGE;
}

int command_print_all(FILE *out)
{
    const char *group = "";
    fputs("fanmill fans chunks of work out to processes and gathers their results in order.\n\n"
          "Usage: fanmill COMMAND ...\n",
          out);
    for (size_t i = 0; i < N_COMMANDS; i++) {
        if (!list[i].synopsis)
            continue;
        if (strcmp(group, list[i].group) != 0)
            fprintf(out, "\n%s:\n", list[i].group);
        group = list[i].group;
        fprintf(out, "  %-22s %s\n", list[i].synopsis, list[i].summary);
    }
    fputs("\nExamples:\n"
          "  fanmill map gzip -9 ::: *.log\n"
          "  fanmill pipe --reduce builtin:sum -- wc -l < big\n"
          "  fanmill run -j 4 -p points=100000 job.yaml\n"
          "  fanmill coordinator & fanmill worker &\n"
          "  fanmill submit job.yaml; fanmill results\n"
          "\n"
          "fanmill COMMAND --help shows the flags of a command, fanmill --version prints\n"
          "the version. Manual: man fanmill; the job file: man fanmill-job.\n",
          out);
    return fflush(out) == 0 ? EXIT_ALL_WELL : EXIT_OUTPUT;
}

// ---- the commands that show all of them

struct help_command {
    bool man;
};

static const struct arg help_flags[] = {
    {0, "man", SETS_FLAG(struct help_command, man), NULL,
     "print the source of a manual page: fanmill or job"},
    {0},
};
static const struct args help_args = {
    .usage = "[COMMAND]\n       fanmill help parallel\n       fanmill help --man [fanmill|job]",
    .about = "Shows what a command does and which flags it takes, or what stands here for each "
             "flag of GNU parallel.\n",
    .tables = {{.list = help_flags}},
    .operands = {{.offer = OFFER_COMMAND}, {.offer = OFFER_NOTHING}},
    .n_operands = 2};

// Returns the exit status for a text that was made with `r`.
static int print(const struct buf *out, int r)
{
    if (r < 0)
        return EXIT_FAULT;
    return fd_write_all(STDOUT_FILENO, out->data, out->len) < 0 ? EXIT_OUTPUT : EXIT_ALL_WELL;
}

static int print_page(const char *page)
{
    _cleanup_(buf_done)
    struct buf out = {0};
    if (strcmp(page, "fanmill") == 0)
        return print(&out, manual_write(&all, &out));
    if (strcmp(page, "job") == 0)
        return print(&out, manual_job(&out));
    fprintf(stderr, "fanmill: no manual page '%s': fanmill or job\n", page);
    return EXIT_USAGE;
}

static int cli_help(int argc, char **argv)
{
    struct help_command c = {0};
    struct word_list words;
    int status, n;
    if (args_parse("help", &help_args, &c, argc, argv, &words, &status) != 0)
        return status;
    if (c.man)
        return print_page(words.n ? words.list[0] : "fanmill");
    if (words.n == 0)
        return command_print_all(stdout);
    if (words.n == 1 && strcmp(words.list[0], "parallel") == 0) {
        _cleanup_(buf_done)
        struct buf out = {0};
        return print(&out, from_parallel_write(&out));
    }
    const struct command *command = command_find((int)words.n, (char **)(uintptr_t)words.list, &n);
    if (!command || n < (int)words.n)
        return command_unknown(words.list[command ? 1 : 0]);
    return help_print(command->name, command->args);
}

static const char *const shells[] = {"bash", "zsh", "fish", NULL};

static const struct args completion_args = {
    .usage = "bash|zsh|fish",
    .about = "Prints a script with which the shell completes commands, flags and their values.\n",
    .more = "  bash  source <(fanmill completion bash), in ~/.bashrc\n"
            "  zsh   fanmill completion zsh >~/.zfunc/_fanmill, its folder in fpath\n"
            "  fish  fanmill completion fish >~/.config/fish/completions/fanmill.fish\n"
            "An installed fanmill comes with all three.\n",
    .operands = {{.words = shells}},
    .n_operands = 1,
    .n_required = 1,
    .missing = "missing shell: bash, zsh or fish"};

static int cli_completion(int argc, char **argv)
{
    static int (*const write[])(const struct command_list *commands, struct buf *out) = {
        completion_bash, completion_zsh, completion_fish};
    _cleanup_(buf_done)
    struct buf out = {0};
    struct word_list words;
    int status;
    if (args_parse("completion", &completion_args, NULL, argc, argv, &words, &status) != 0)
        return status;
    for (size_t i = 0; shells[i]; i++)
        if (strcmp(shells[i], words.list[0]) == 0)
            return print(&out, write[i](&all, &out));
    return args_mistake("completion", "'%s' is not one of bash, zsh, fish", words.list[0]);
}
