#include "cli/run/embedded.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "async/io.h"
#include "base/signals.h"

#define ENDPOINT "inproc://coordinator"

static bool has_local(const struct embedded *e)
{
    return !e->hosts || e->hosts->local;
}

int embedded_prepare(struct embedded *e, uint32_t slots, struct err *err)
{
    if (!has_local(e))
        return 0;
    int r = localdir_make(&e->dir, err);
    if (r < 0)
        return r;
    r = local_worker_start(&e->dir, slots, e->jobserver, &e->worker, err);
    if (r < 0)
        localdir_remove(&e->dir);
    return r;
}

static void describe_death(int status, char *text, size_t size)
{
    char death[SIGNAL_TEXT_MAX];
    if (WIFSIGNALED(status))
        snprintf(text, size, "killed by %s", signal_text(WTERMSIG(status), death));
    else
        snprintf(text, size, "ended with status %d", WEXITSTATUS(status));
}

static int watch_worker(void *arg)
{
    struct embedded *e = arg;
    char reason[64], text[128];
    int status;
    pid_t pid = e->worker.pid;
    int r = child_wait(pid, &status);
    if (r < 0)
        return r == -ECANCELED ? 0 : r;
    e->worker.pid = 0;
    if (e->ending)
        return 0;
    e->ending = true;
    describe_death(status, reason, sizeof(reason));
    snprintf(text, sizeof(text), "the worker process (pid %d) was lost: %s", (int)pid, reason);
    server_worker_died(e->server, pid, reason);
    e->lost(e->arg, text);
    return 0;
}

static void on_spool_full(void *arg, const char *text)
{
    struct embedded *e = arg;
    e->say(e->arg, text);
}

int embedded_attend(struct embedded *e, struct group *group, struct err *err)
{
    int r = e->worker.pid > 0 ? group_spawn(group, "worker", watch_worker, e) : 0;
    if (r < 0)
        return err_sys(err, r, "can't watch the worker");
    return e->hosts ? hosts_begin(e->hosts, e->server, e->slots, group, err) : 0;
}

static void on_worker_gone(void *arg, uint64_t worker, const char *reason)
{
    struct embedded *e = arg;
    char text[640];
    (void)worker;
    // For hosts, their ssh reports it; what it ran runs elsewhere.
    if (e->ending || e->hosts)
        return;
    e->ending = true;
    snprintf(text, sizeof(text), "the worker was lost: %s", reason);
    e->lost(e->arg, text);
}

static void on_open_door(void *arg, const char *why)
{
    struct embedded *e = arg;
    e->lost(e->arg, why);
}

int embedded_start(struct embedded *e, struct transport *transport, struct link **ret,
                   struct err *err)
{
    const char *const endpoints[] = {ENDPOINT, has_local(e) ? e->dir.endpoint : NULL, NULL};
    struct server_options options = {.endpoints = endpoints,
                                     .spool_directory = e->spool_directory,
                                     .spool_bytes = e->spool_bytes,
                                     .spool_full = on_spool_full,
                                     .local_worker = e->worker.pid,
                                     .worker_gone = on_worker_gone,
                                     .open_door = on_open_door,
                                     .arg = e};
    int r = 0;
    if (e->hosts) {
        e->hosts->say = e->say;
        e->hosts->lost = e->lost;
        e->hosts->arg = e->arg;
        r = hosts_prepare(e->hosts, &options, err);
    }
    if (r == 0)
        r = server_open(transport, &options, &e->server, err);
    if (r < 0)
        return r;
    if (has_local(e))
        local_worker_go(&e->worker);
    return link_open(transport, &(struct link_options){.endpoint = ENDPOINT}, ret, err);
}

void embedded_stop(struct embedded *e)
{
    e->ending = true;
    server_close(e->server);
    e->server = NULL;
    local_worker_stop(&e->worker);
    if (has_local(e))
        localdir_remove(&e->dir);
}

void embedded_abandon(struct embedded *e)
{
    local_worker_abandon(&e->worker);
    if (has_local(e))
        localdir_remove(&e->dir);
}
