#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/parse.h"
#include "cli/command.h"
#include "cli/status.h"

static const char help[] =
    "fanmill fans chunks of work out to processes and gathers their results in order.\n"
    "\n"
    "Usage: fanmill COMMAND ...\n"
    "\n"
    "  run JOB.yaml     run a job on this machine and write its results\n"
    "  check JOB.yaml   tell every mistake in a job file; start nothing\n"
    "  help [COMMAND]   this text, or a command's\n"
    "\n"
    "Examples:\n"
    "  fanmill run pipelines/examples/word-count.yaml\n"
    "  fanmill run -j 4 -p points=100000 pipelines/examples/monte-carlo-pi.yaml\n"
    "\n"
    "fanmill --version tells the version. The job file is described in docs/guide/job-file.md.\n";

static const struct command {
    const char *name;
    int (*run)(int argc, char **argv);
} commands[] = {{"run", cli_run}, {"check", cli_check}};

#define N_COMMANDS (sizeof commands / sizeof commands[0])

static const struct command *find(const char *name)
{
    for (size_t i = 0; i < N_COMMANDS; i++)
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    return NULL;
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
    if (argc > 0) {
        const struct command *command = find(argv[0]);
        char *option = (char[]){"--help"};
        return command ? command->run(1, &option) : unknown(argv[0]);
    }
    fputs(help, stdout);
    return fflush(stdout) == 0 ? EXIT_ALL_WELL : EXIT_OUTPUT;
}

// A descriptor below 3 that the caller closed would become a socket of ours. Read-only, so that
// writing results to a closed standard output fails instead of vanishing.
static void keep_standard_files(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDONLY) < 0)
            exit(EXIT_FAULT);
}

int main(int argc, char **argv)
{
    keep_standard_files();
    signal(SIGPIPE, SIG_IGN);
    if (argc < 2) {
        fputs(help, stderr);
        return EXIT_USAGE;
    }
    const char *word = argv[1];
    if (strcmp(word, "--version") == 0 || strcmp(word, "-V") == 0) {
        printf("fanmill %s\n", FM_VERSION);
        return fflush(stdout) == 0 ? EXIT_ALL_WELL : EXIT_OUTPUT;
    }
    if (strcmp(word, "help") == 0 || strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0)
        return show_help(argc - 2, argv + 2);
    const struct command *command = find(word);
    return command ? command->run(argc - 2, argv + 2) : unknown(word);
}
