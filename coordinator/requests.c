// CONTROL: clients cancel, forget and retry jobs and drain workers.
//
// In: CONTROL of clients, with a verb and a range of jobs or the name of a worker. Out: ANSWER with
// the number of jobs or workers affected; cancels for the core; DRAIN for workers; new jobs
// (retry.c).
//
// Users control their own jobs, admins all. VERB_FORGET frees the job that the loop is at, which
// HASH_ITER survives. VERB_RETRY may free any job that has ended, so it ends the loop.
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "coordinator/client.h"
#include "coordinator/handlers.h"
#include "coordinator/retry.h"
#include "coordinator/server_job.h"
#include "coordinator/shell.h"

static bool may_rule(const struct client *client, const struct server_job *job)
{
    return (client->rights & RIGHT_RULE) || strcmp(client->user, job->owner) == 0;
}

static int control_job(struct client *client, struct server_job *job, uint32_t verb,
                       uint64_t *ret_value, struct err *why)
{
    if (!may_rule(client, job))
        return err_set(why, -EACCES, "job %llu belongs to '%s'", (unsigned long long)job->id,
                       job->owner);
    switch (verb) {
    case VERB_CANCEL:
    case VERB_KILL:
        *ret_value += !job->ended;
        server_job_cancel(job, verb == VERB_KILL ? CANCEL_KILL : CANCEL_RUNNING);
        return 0;
    case VERB_FORGET:
        if (!job->ended)
            return err_set(why, -EBUSY, "job %llu has not ended", (unsigned long long)job->id);
        ++*ret_value;
        server_job_forget(job);
        return 0;
    default:
        return retry_job(client, job, verb == VERB_RETRY_FAILED, ret_value, why);
    }
}

static int drain_workers(struct client *client, const char *name, uint64_t *ret_n, struct err *why)
{
    struct server *server = client->server;
    if (!(client->rights & RIGHT_RULE))
        return err_set(why, -EACCES, "only an admin may drain workers");
    for (struct peer *peer = server->by_place; peer; peer = peer->by_place.next) {
        char number[24];
        snprintf(number, sizeof(number), "%llu", (unsigned long long)peer->id);
        bool is_meant = peer->state == PEER_WORKER && !peer->gone &&
                        (strcmp(name, "all") == 0 || strcmp(name, peer->reg.name) == 0 ||
                         strcmp(name, number) == 0);
        if (!is_meant)
            continue;
        ++*ret_n;
        log_info("worker is asked to drain", "worker=%llu name=%s user=%s",
                 (unsigned long long)peer->id, peer->reg.name, client->user);
        peer_say(peer, MSG_DRAIN, &(struct msg_drain){0});
    }
    return *ret_n ? 0 : err_set(why, -ENOENT, "no worker '%s'", name);
}

static int on_control(struct peer *peer, const struct incoming *in)
{
    struct server *server = peer->port->server;
    struct client *client = peer->client;
    const struct msg_control *control = in->message;
    struct err why = {0};
    uint64_t value = 0;
    int r = 0;
    if (control->verb == VERB_DRAIN) {
        r = drain_workers(client, control->name, &value, &why);
        return client_answer(client, control->request, r, value, why.text);
    }
    struct server_job *job, *next;
    bool is_retry = control->verb == VERB_RETRY || control->verb == VERB_RETRY_FAILED;
    bool any = false;
    uint64_t newest = server->next_job; // a retry adds jobs, which are not meant
    HASH_ITER (hh, server->jobs, job, next) {
        if (job->id > newest || !server_job_is_meant(job, control->first, control->last))
            continue;
        any = true;
        r = control_job(client, job, control->verb, &value, &why);
        if (r < 0 || is_retry)
            break;
    }
    if (!any)
        r = err_set(&why, -ENOENT, "no such job");
    return client_answer(client, control->request, r, value, why.text);
}

const struct handler requests_handlers[] = {
    {MSG_CONTROL, SAID_BY_CLIENT, on_control},
    {0},
};
