// `fanmill worker`: the agent of one machine.
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "cli/args/args.h"
#include "cli/args/exit_code.h"
#include "cli/follow/connect.h"
#include "cli/service/commands.h"
#include "client/find.h"
#include "proto/resources.h"
#include "worker/agent/worker.h"

#define ACCESS_BYTES_MAX (64u << 10)

// The access file up to a line "end"; what comes behind it is left where it is.
static int read_stdin(struct access *ret, struct err *err)
{
    static char text[ACCESS_BYTES_MAX];
    size_t n = 0;
    bool ended = false;
    while (!ended && n < sizeof(text) && read(STDIN_FILENO, text + n, 1) == 1) {
        n++;
        ended = n >= 5 && memcmp(text + n - 5, "\nend\n", 5) == 0;
    }
    int r =
        ended ? access_parse("standard input", text, n - 4, ret, err)
              : err_set(err, -EINVAL, "standard input: an access file and a line 'end' behind it");
    explicit_bzero(text, sizeof(text));
    return r;
}

int cli_worker(int argc, char **argv)
{
    struct connect connect = {0};
    struct worker_options options = {.lifeline_fd = -1, .end_fd = -1};
    struct resources resources = {0};
    const char *labels = "";
    uint64_t gpus = 0;
    bool quiet = false, from_stdin = false;
    int verbose = 0, status;
    struct words words;
    struct access access = {0};
    struct err err = {0};
    const struct arg table[] = {
        CONNECT_ARGS(connect),
        {0, "access-stdin", ARG_FLAG, &from_stdin, NULL,
         "read the access file from standard input, up to a line 'end'; leave when the input ends"},
        {'j', "slots", ARG_SLOTS, &options.slots, "N",
         "chunks that run at once; default: the CPUs this process may use"},
        {0, "gpus", ARG_NUMBER, &gpus, "N", "graphics processors that chunks may ask for"},
        {0, "labels", ARG_TEXT, &labels, "LIST", "what else they may ask for: ssd,license=2"},
        {0, "give-up", ARG_DURATION, &options.give_up_ns, "TIME",
         "leave when no coordinator has answered for so long; default: look on for ever"},
        {0, "name", ARG_TEXT, &options.name, "NAME", "its name; default: the host's"},
        {'q', "quiet", ARG_FLAG, &quiet, NULL, "log warnings and errors only"},
        {'v', "verbose", ARG_COUNT, &verbose, NULL, "log more"},
    };
    const struct args args = {
        .command = "worker",
        .usage = "[--connect WHERE] [-j N]\n       fanmill worker deploy-ssh HOST...",
        .about = "Runs chunks for a coordinator: the one of this user on this machine, or the one "
                 "that an access\nfile (fanmill invite worker NAME) leads to. Looks for it again "
                 "when it is gone. SIGTERM: finishes\nwhat runs and leaves; again: leaves at "
                 "once.\n",
        .more = "Exit status: 0 left when told to, 2 usage, 3 refused by the coordinator, 125 a "
                "fault.\n",
        .table = table,
        .n = sizeof(table) / sizeof(table[0])};
    if (argc > 0 && strcmp(argv[0], "deploy-ssh") == 0)
        return cli_deploy_ssh(argc - 1, argv + 1);
    if (args_parse(&args, argc, argv, &words, &status) != 0)
        return status;
    if (resources_parse_labels(labels, &resources) < 0)
        return args_mistake("worker",
                            "--labels takes names and amounts, as ssd,license=2, not '%s'", labels);
    if (gpus > 1000)
        return args_mistake("worker", "--gpus takes a number up to 1000");
    resources.gpus = gpus * 1000;
    options.resources = &resources;
    log_set_level(quiet ? LOG_WARN : verbose ? LOG_DEBUG : LOG_INFO);
    int r = from_stdin ? read_stdin(&access, &err)
                       : find_coordinator(connect.where, connect.key, &access, &err);
    if (r < 0) {
        fprintf(stderr, "fanmill worker: %s\n", err.text);
        return r == -ENOENT || r == -EEXIST ? EXIT_LOST : EXIT_USAGE;
    }
    if (from_stdin)
        options.end_fd = STDIN_FILENO;
    if (!options.name && access.name[0])
        options.name = access.name;
    options.access = &access;
    status = worker_main(&options);
    access_done(&access);
    return status;
}
