// `fanmill sem`: one command at a time, or N of them, of all that use a name.
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fd.h"
#include "cli/args/exit_code.h"
#include "cli/run/commands.h"
#include "cli/run/semaphore.h"

struct sem_command {
    uint32_t slots;
    const char *id;
    bool fg, bg, wait;
    int64_t timeout_ns;
    char **words;
};

static const struct arg flags[] = {
    {'j', "slots", SETS_SLOTS(struct sem_command, slots), "N",
     "run up to N commands of this name at once", "1"},
    {0, "id", SETS_TEXT(struct sem_command, id), "NAME", "name that the commands share",
     "the terminal's"},
    {0, "fg", SETS_FLAG(struct sem_command, fg), NULL,
     "run in the foreground; its exit status is the command's"},
    {0, "bg", SETS_FLAG(struct sem_command, bg), NULL, "return once the command runs; the default"},
    {0, "wait", SETS_FLAG(struct sem_command, wait), NULL,
     "wait until no command of this name runs, and run none"},
    {0, "semaphore-timeout", SETS_DURATION(struct sem_command, timeout_ns), "TIME",
     "give up after this time, with exit status 124"},
    {0},
};

static const struct arg_foreign foreign[] = {
    {"--jobs -P --max-procs", .same = "slots", .here = "-j"},
    {"--semaphore-name --semaphorename", .same = "id", .here = "--id"},
    {"--st --semaphoretimeout", .same = "semaphore-timeout", .here = "--semaphore-timeout"},
    {0},
};

const struct args sem_args = {
    .examples = "  for f in *.log; do fanmill sem -j 4 gzip \"$f\"; done; fanmill sem --wait\n"
                "  fanmill sem --fg --id mydb ./migrate     one at a time, of all who say mydb\n",
    .usage = "[-j N] [--id NAME] [--fg] COMMAND [ARG]...\n       fanmill sem --wait [--id NAME]",
    .about = "Waits for a free place among the commands of the same name, of this user on this "
             "machine, and runs a command in it: in the background, so that a script goes on and "
             "starts the next one, or with --fg in the foreground. A place is free again however "
             "its command ends.\n",
    .more = "Exit status: with --fg that of the command; 124 no place in time, 126 or 127 the "
            "command could not be run or was not found.\n",
    .tables = {{.list = flags}},
    .operands = {{.offer = OFFER_PROGRAM}, {.offer = OFFER_FILE}},
    .n_operands = 2,
    .repeats = true,
    .command_follows = true,
    .foreign = foreign};

// Shells on one terminal share a name; all that have none share one, too.
static const char *default_name(void)
{
    const char *tty = ttyname(STDERR_FILENO);
    return tty ? tty : "default";
}

static _Noreturn void run_command(char **words)
{
    execvp(words[0], words);
    int error = errno;
    fprintf(stderr, "fanmill sem: '%s': %s\n", words[0], strerror(error));
    _exit(error == ENOENT ? 127 : 126);
}

// Signals that the terminal gives to all of us are the command's to answer; one for us alone is
// passed on.
static int run_and_wait(char **words)
{
    sigset_t watched, before;
    int status = 0;
    sigemptyset(&watched);
    const int numbers[] = {SIGCHLD, SIGTERM, SIGHUP, SIGINT, SIGQUIT};
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
        sigaddset(&watched, numbers[i]);
    sigprocmask(SIG_BLOCK, &watched, &before);
    pid_t parent = getpid(), pid = fork();
    if (pid < 0) {
        fprintf(stderr, "fanmill sem: can't start a process: %s\n", strerror(errno));
        return EXIT_FAULT;
    }
    if (pid == 0) {
        // Else the place would be free while the command still runs.
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent)
            _exit(EXIT_FAULT);
        sigprocmask(SIG_SETMASK, &before, NULL);
        run_command(words);
    }
    while (waitpid(pid, &status, WNOHANG) == 0) {
        siginfo_t info;
        int number = sigwaitinfo(&watched, &info);
        if (number > 0 && number != SIGCHLD && info.si_code <= 0)
            kill(pid, number);
    }
    return WIFSIGNALED(status) ? EXIT_SIGNAL + WTERMSIG(status) : WEXITSTATUS(status);
}

static int hold_and_run(const struct sem_command *c, struct semaphore *s, int told)
{
    struct err err = {0};
    int r = semaphore_take(s, c->timeout_ns ? c->timeout_ns : CLOCK_FOREVER, &err);
    if (r == -ETIMEDOUT)
        fprintf(stderr, "fanmill sem: no place for '%s' within the time\n", c->id);
    else if (r < 0)
        fprintf(stderr, "fanmill sem: %s\n", err.text[0] ? err.text : strerror(-r));
    if (r < 0)
        return r == -ETIMEDOUT ? EXIT_TIMEOUT : EXIT_FAULT;
    if (told >= 0) {
        prctl(PR_SET_PDEATHSIG, 0);
        fd_write_all(told, "", 1);
        close(told);
    }
    int status = run_and_wait(c->words);
    semaphore_leave(s);
    return status;
}

// The process that holds the place stays; this one goes on when it has it.
static int run_in_background(const struct sem_command *c, struct semaphore *s)
{
    int line[2], status = 0;
    char none;
    if (pipe2(line, O_CLOEXEC) < 0)
        return EXIT_FAULT;
    pid_t parent = getpid(), pid = fork();
    if (pid < 0) {
        fprintf(stderr, "fanmill sem: can't start a process: %s\n", strerror(errno));
        close(line[0]);
        close(line[1]);
        return EXIT_FAULT;
    }
    if (pid == 0) {
        close(line[0]);
        prctl(PR_SET_PDEATHSIG, SIGTERM);
        if (getppid() != parent)
            _exit(EXIT_FAULT);
        int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
        if (nothing >= 0)
            dup2(nothing, STDIN_FILENO);
        _exit(hold_and_run(c, s, line[1]));
    }
    close(line[1]);
    ssize_t n;
    do
        n = read(line[0], &none, 1);
    while (n < 0 && errno == EINTR);
    close(line[0]);
    if (n == 1) // it has its place
        return EXIT_ALL_WELL;
    return waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_FAULT;
}

int cli_sem(int argc, char **argv)
{
    struct sem_command c = {.slots = 1};
    struct semaphore s;
    struct word_list words;
    struct err err = {0};
    int status;
    if (args_parse("sem", &sem_args, &c, argc, argv, &words, &status) != 0)
        return status;
    if (!c.id)
        c.id = default_name();
    if (c.fg && c.bg)
        return args_mistake("sem", "use only one of --fg and --bg");
    if (c.wait && words.rest < argc)
        return args_mistake("sem", "--wait runs no command: '%s'", argv[words.rest]);
    if (c.wait) {
        int r = semaphore_wait(c.id, &err);
        if (r < 0)
            fprintf(stderr, "fanmill sem: %s\n", err.text[0] ? err.text : strerror(-r));
        return r < 0 ? EXIT_FAULT : EXIT_ALL_WELL;
    }
    if (words.rest >= argc)
        return args_mistake("sem", "missing command");
    c.words = argv + words.rest;
    if (semaphore_open(c.id, c.slots, &s, &err) < 0)
        return args_mistake("sem", "%s", err.text);
    return c.fg ? hold_and_run(&c, &s, -1) : run_in_background(&c, &s);
}
