#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/signals.h"
#include "cli/args/exit_code.h"
#include "cli/commands.h"

// Where in argv the command's name is, after flags of its own; argc: nowhere. Before the name all
// that is known of a flag is that some command has it.
static int find_name(int argc, char **argv)
{
    int i = 1;
    while (i < argc && argv[i][0] == '-' && argv[i][1] && strcmp(argv[i], "--") != 0)
        i += command_takes_value(argv[i]) ? 2 : 1;
    return i < argc ? i : argc;
}

// Flags before the name are moved after it.
static int run_command(const struct command *command, int at, int n_words, int argc, char **argv)
{
    memmove(argv + 1 + n_words, argv + 1, (size_t)(at - 1) * sizeof(*argv));
    return command->run(argc - 1 - n_words, argv + 1 + n_words);
}

// A descriptor below 3 that the caller closed would become a socket of ours. Read-only, so that
// writing results to a closed standard output fails instead of vanishing.
static void keep_standard_files(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDONLY) < 0)
            exit(EXIT_FAULT);
}

// Messages of a few MiB come and go all the time. If their pages were given back to the kernel
// after each, they would be cleared again for the next: 7 % of a stream of 1 MiB results
// (bench/cluster).
static void keep_some_memory(void)
{
    mallopt(M_MMAP_THRESHOLD, 8 << 20);
    mallopt(M_TRIM_THRESHOLD, 32 << 20);
}

int main(int argc, char **argv)
{
    static char help[] = "help";
    keep_some_memory();
    keep_standard_files();
    // Commands of jobs get the signals as they were when we started. Those that we must not die of
    // are not ignored, which commands would inherit.
    signal_absorb(SIGPIPE);
    signal_absorb(SIGXFSZ); // a file that may not grow is an error, reported as one
    // A command that reports its progress on these signals may get one before it listens.
    signal_absorb(SIGUSR1);
    signal_absorb(SIGUSR2);
    signal_default(SIGCHLD); // ignored, it would hide how children end
    if (argc < 2) {
        command_print_all(stderr);
        return EXIT_USAGE;
    }
    const char *word = argv[1];
    if (strcmp(word, "--version") == 0 || strcmp(word, "-V") == 0) {
        printf("fanmill %s\n", FM_VERSION);
        return fflush(stdout) == 0 ? EXIT_ALL_WELL : EXIT_OUTPUT;
    }
    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0)
        argv[1] = help;
    int n_words, at = find_name(argc, argv);
    if (at == argc) {
        fprintf(stderr, "fanmill: no command given, only flags: %s\ntry: fanmill help\n", word);
        return EXIT_USAGE;
    }
    const struct command *command = command_find(argc - at, argv + at, &n_words);
    return command ? run_command(command, at, n_words, argc, argv) : command_unknown(argv[at]);
}
