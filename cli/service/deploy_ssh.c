// `fanmill worker deploy-ssh`: workers on other hosts, as long as this command runs.
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "async/io.h"
#include "base/clock.h"
#include "base/log.h"
#include "cli/args/exit_code.h"
#include "cli/follow/connect.h"
#include "cli/run/deploy.h"
#include "cli/service/commands.h"
#include "cli/service/logging.h"
#include "client/find.h"

struct deploying {
    struct connect connect;
    struct logging logging;
    struct deploy deploy;
    struct access access;
    struct event_flag over;
    int signal;
};

static void on_news(void *arg, const char *host, enum deploy_news news, const char *text)
{
    (void)arg;
    if (news == DEPLOY_NOTE)
        log_info("deploying", "host=%s step=\"%s\"", host, text);
    else
        log_warn("a worker has ended", "host=%s reason=\"%s\"", host, text);
}

static void cant_start(const char *why)
{
    log_error("workers can't be started", "reason=\"%s\"", why);
}

static int watch_end(void *arg)
{
    struct deploying *d = arg;
    const int list[] = {SIGINT, SIGTERM, SIGHUP};
    struct signals signals;
    if (signals_open(list, sizeof(list) / sizeof(list[0]), &signals) < 0)
        return 0;
    d->signal = signals_next(&signals);
    signals_close(&signals);
    if (d->signal > 0)
        event_flag_set(&d->over);
    return 0;
}

static int main_task(void *arg)
{
    struct deploying *d = arg;
    struct deployment *deployment = NULL;
    struct group group;
    struct err err = {0};
    group_open(&group);
    int r = group_spawn(&group, "end", watch_end, d);
    if (r == 0)
        r = deploy_begin(&d->deploy, &group, &deployment, &err);
    if (r < 0)
        cant_start(err.text);
    else
        r = event_flag_wait(&d->over);
    group_cancel(&group);
    int failed = group_wait(&group);
    deploy_end(deployment);
    if (failed == -ENOENT)
        cant_start("program 'ssh' not found");
    if (d->signal > 0)
        return EXIT_SIGNAL + d->signal;
    return r == -EINVAL || r == -ENOENT ? EXIT_USAGE : EXIT_LOST;
}

static const struct arg flags[] = {
    {0, "tunnel", SETS_FLAG(struct deploying, deploy.tunnel), NULL,
     "connect workers through ssh, for hosts that can't reach the coordinator"},
    {0, "ssh", SETS_TEXT(struct deploying, deploy.ssh), "COMMAND", "ssh and its first options",
     "FANMILL_SSH, or ssh", .offer = OFFER_PROGRAM},
    {0},
};
const struct args deploy_ssh_args = {
    .usage = "--connect FILE HOST...",
    .about =
        "Starts a worker on each host by ssh and keeps it running until Ctrl-C, which ends them "
        "all. HOST is [user@]host[:port][/slots], or @FILE with one host a line. FILE is the "
        "access file of a worker (fanmill invite worker NAME), whose keys go over ssh's standard "
        "input. This program is copied to ~/.cache/fanmill of hosts that don't have this very "
        "version; they need its libraries (libzmq5, libyaml-0-2, libmsgpackc2) and ssh without a "
        "password.\n",
    .tables = {CONNECT_TABLE(struct deploying), {.list = flags}, LOGGING_TABLE(struct deploying)},
    .n_operands = 1,
    .repeats = true,
    .n_required = 1,
    .missing = "missing hosts: [user@]host[:port][/slots] ..."};

int cli_deploy_ssh(int argc, char **argv)
{
    struct deploying d = {.deploy = {.report = on_news, .give_up_ns = 60 * NS_PER_S}};
    struct word_list words;
    struct err err = {0};
    int status;
    if (args_parse("worker deploy-ssh", &deploy_ssh_args, &d, argc, argv, &words, &status) != 0)
        return status;
    logging_begin(&d.logging);
    d.deploy.hosts = words.list;
    d.deploy.n_hosts = words.n;
    d.deploy.access = &d.access;
    int r = find_coordinator(d.connect.where, d.connect.key, &d.access, &err);
    if (r == 0 && strncmp(d.access.endpoints[0], "tcp://", 6) != 0)
        r = err_set(&err, -EINVAL,
                    "workers on other machines need the access file of a worker: "
                    "fanmill invite worker NAME, then --connect NAME.access");
    if (r < 0) {
        cant_start(err.text);
        return EXIT_USAGE;
    }
    status = loop_run(main_task, &d);
    access_done(&d.access);
    return status < 0 ? EXIT_FAULT : status;
}
