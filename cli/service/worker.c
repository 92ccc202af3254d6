// `fanmill worker`: the agent of one machine.
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/parse.h"
#include "cli/args/args.h"
#include "cli/args/exit_code.h"
#include "cli/follow/connect.h"
#include "cli/service/commands.h"
#include "cli/service/logging.h"
#include "client/find.h"
#include "proto/resources.h"
#include "worker/agent/worker.h"

#define ACCESS_BYTES_MAX (64u << 10)

// The access file up to a line "end"; what follows it stays unread.
static int read_stdin(struct access *ret, struct err *err)
{
    static char text[ACCESS_BYTES_MAX];
    size_t n = 0;
    bool ended = false;
    while (!ended && n < sizeof(text) && read(STDIN_FILENO, text + n, 1) == 1) {
        n++;
        ended = n >= 5 && memcmp(text + n - 5, "\nend\n", 5) == 0;
    }
    int r = ended
                ? access_parse("standard input", text, n - 4, ret, err)
                : err_set(err, -EINVAL,
                          "standard input does not hold an access file and a line 'end' after it");
    explicit_bzero(text, sizeof(text));
    return r;
}

struct worker_command {
    struct connect connect;
    struct worker_options options;
    const char *labels;
    uint64_t gpus;
    uint64_t memory;
    const char *ready;
    bool from_stdin;
    struct logging logging;
};

static const struct arg flags[] = {
    {'j', "slots", SETS_SLOTS(struct worker_command, options.slots), "N",
     "run N chunks at once; N%, +N, -N: of the CPUs", "the CPUs of this process"},
    {0, "gpus", SETS_NUMBER(struct worker_command, gpus), "N", "GPUs that chunks may ask for", "0"},
    {0, "labels", SETS_TEXT(struct worker_command, labels), "LIST",
     "other things that chunks may ask for: ssd,license=2"},
    {0, "memory", SETS_SIZE(struct worker_command, memory), "SIZE",
     "memory that chunks may ask for", "the machine's"},
    {0, "time-limit", SETS_DURATION(struct worker_command, options.time_limit_ns), "TIME",
     "leave after TIME; nothing new is begun in its last tenth, or 5 minutes if that is less",
     "stay"},
    {0, "idle-exit", SETS_DURATION(struct worker_command, options.idle_exit_ns), "TIME",
     "leave after TIME without anything to do", "stay"},
    {0, "ready", SETS_TEXT(struct worker_command, ready), "FILE",
     "write the line 'ready' to FILE, or to the descriptor with that number, once the coordinator "
     "has accepted the worker",
     .offer = OFFER_FILE},
    {0, "give-up", SETS_DURATION(struct worker_command, options.give_up_ns), "TIME",
     "leave when no coordinator has answered for TIME", "keep trying"},
    {0, "lost-after", SETS_DURATION(struct worker_command, options.lost_after_ns), "TIME",
     "end what runs when the coordinator has been silent for TIME", "1h"},
    {0, "name", SETS_TEXT(struct worker_command, options.name), "NAME", "name of this worker",
     "that of its access file, or the host's"},
    {0, "access-stdin", SETS_FLAG(struct worker_command, from_stdin), NULL,
     "read the access file from standard input, up to a line 'end', and leave when the input "
     "ends"},
    {0},
};
const struct args worker_args = {
    .usage = "[--connect WHERE] [-j N]\n       fanmill worker deploy-ssh HOST...",
    .about = "Runs chunks for a coordinator: the one of this user on this machine, or the one "
             "named by an access file (fanmill invite worker NAME). When the coordinator "
             "disappears, the worker looks for it again. SIGTERM lets running chunks finish, then "
             "the worker leaves; a second SIGTERM ends it at once.\n",
    .more = "Exit status: 0 left as asked, 2 usage, 3 refused by the coordinator, 125 internal "
            "error.\n",
    .tables = {CONNECT_TABLE(struct worker_command),
               {.list = flags},
               LOGGING_TABLE(struct worker_command)}};

#define GPUS_MAX 1000u

static int read_resources(const struct worker_command *c, struct resources *ret)
{
    if (c->labels && resources_parse_labels(c->labels, ret) < 0)
        return args_mistake("worker",
                            "--labels takes names and amounts, e.g. ssd,license=2, not "
                            "'%s'",
                            c->labels);
    if (c->gpus > GPUS_MAX)
        return args_mistake("worker", "--gpus takes a number up to %u", GPUS_MAX);
    ret->gpus = c->gpus * 1000;
    ret->memory_bytes = c->memory;
    return 0;
}

// --ready: a descriptor of ours by its number, or a file. Negative errno.
static int open_ready(const char *where, int *ret)
{
    uint64_t number;
    *ret = -1;
    if (!where)
        return 0;
    bool is_number = parse_u64(where, &number) == 0;
    int fd = !is_number         ? open(where, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666)
             : number > INT_MAX ? -1
                                : fcntl((int)number, F_DUPFD_CLOEXEC, 3);
    *ret = fd;
    return fd < 0 ? -errno : 0;
}

int cli_worker(int argc, char **argv)
{
    struct worker_command c = {.options = {.lifeline_fd = -1, .end_fd = -1, .ready_fd = -1}};
    struct resources resources = {0};
    struct word_list words;
    struct access access = {0};
    struct err err = {0};
    int status;
    if (args_parse("worker", &worker_args, &c, argc, argv, &words, &status) != 0)
        return status;
    status = read_resources(&c, &resources);
    if (status)
        return status;
    int r = open_ready(c.ready, &c.options.ready_fd);
    if (r < 0)
        return args_mistake("worker", "--ready '%s': %s", c.ready, strerror(-r));
    logging_begin(&c.logging);
    r = c.from_stdin ? read_stdin(&access, &err)
                     : find_coordinator_soon(c.connect.where, c.connect.key, &access, &err);
    if (r < 0) {
        log_error("the worker can't start", "reason=\"%s\"", err.text);
        return r == -ENOENT || r == -EEXIST ? EXIT_LOST : EXIT_USAGE;
    }
    if (c.from_stdin)
        c.options.end_fd = STDIN_FILENO;
    if (!c.options.name && access.name[0])
        c.options.name = access.name;
    c.options.resources = &resources;
    c.options.access = &access;
    status = worker_main(&c.options);
    access_done(&access);
    return status;
}
