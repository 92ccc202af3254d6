// CONTROL: clients cancel, forget and retry jobs and drain workers.
//
// In: CONTROL of clients, with a verb and a range of jobs or the name of a worker. Out: ANSWER with
// the number of jobs or workers affected; cancels for the core; DRAIN for workers; new jobs
// (retry.c).
//
// Users control their own jobs, admins all. Of several jobs those that are another user's are left
// out, and one that can't be dealt with does not keep the others from it: the answer names the
// first. Many jobs take several turns (questions.h).
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "coordinator/client.h"
#include "coordinator/handlers.h"
#include "coordinator/questions.h"
#include "coordinator/retry.h"
#include "coordinator/server_job.h"
#include "coordinator/shell.h"
#include "coordinator/turn.h"

#define JOB_COST 8u // of cancelling or running again, compared with a row

static bool may_rule(const struct client *client, const struct server_job *job)
{
    return (client->rights & RIGHT_RULE) || strcmp(client->user, job->owner) == 0;
}

static int cancel_chunks(struct server_job *job, const struct msg_control *m, uint64_t *ret_value,
                         struct err *why)
{
    if (job->over)
        return err_set(why, -EINVAL, "job %llu has ended", (unsigned long long)job->id);
    for (uint32_t i = 0; i < m->n_chunks; i++) {
        uint64_t n = 0;
        struct event event = {.type = EV_CANCEL_CHUNKS, .job = job->id};
        event.cancel_chunks.range = m->chunks[i];
        event.cancel_chunks.ret_n = &n;
        server_event(job->server, &event);
        *ret_value += n;
    }
    return 0;
}

static int control_job(struct client *client, struct server_job *job, const struct msg_control *m,
                       uint64_t *ret_value, struct err *why)
{
    uint32_t verb = m->verb;
    bool is_alone = m->first == m->last;
    if (!may_rule(client, job))
        return err_set(why, -EACCES, "job %llu belongs to '%s'", (unsigned long long)job->id,
                       job->owner);
    switch (verb) {
    case VERB_CANCEL:
    case VERB_KILL:
        if (m->n_chunks)
            return cancel_chunks(job, m, ret_value, why);
        *ret_value += !job->ended;
        server_job_cancel(job, verb == VERB_KILL ? CANCEL_KILL : CANCEL_RUNNING);
        return 0;
    case VERB_HOLD:
    case VERB_RELEASE:
        if (job->ended && is_alone)
            return err_set(why, -EINVAL, "job %llu has ended", (unsigned long long)job->id);
        *ret_value += job_set_held(job, verb == VERB_HOLD);
        return 0;
    case VERB_FORGET:
        if (!job->ended)
            return err_set(why, -EBUSY, "job %llu has not ended", (unsigned long long)job->id);
        ++*ret_value;
        keeper_note(job->server, job->id, GONE_FORGOTTEN);
        server_job_forget(job);
        return 0;
    default:
        return retry_job(client, job, m, ret_value, why);
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

static int list(struct question *q)
{
    int r = question_add_jobs(q, q->control.first, q->control.last);
    if (r < 0 || q->n)
        return r;
    char words[PROTO_TEXT_MAX] = "no such job";
    if (q->control.first == q->control.last)
        keeper_words(q->client->server, q->control.first, words, sizeof(words));
    return err_set(&q->why, -ENOENT, "%s", words);
}

// Of several jobs: all of one's own, or of the user who is named ("*": of everybody), as far as one
// may. A range of numbers is meant as it is.
static bool is_meant(const struct question *q, const struct server_job *job)
{
    const struct msg_control *m = &q->control;
    if (m->first == m->last)
        return true;
    if (!may_rule(q->client, job))
        return false;
    if (!m->name[0])
        return m->last != UINT64_MAX || strcmp(job->owner, q->client->user) == 0;
    return strcmp(m->name, "*") == 0 || strcmp(job->owner, m->name) == 0;
}

static unsigned piece(struct question *q, uint64_t id)
{
    const struct msg_control *m = &q->control;
    struct server_job *job = server_job_find(q->client->server, id);
    struct err why = {0};
    if (!job || !is_meant(q, job))
        return 1;
    int r = control_job(q->client, job, m, &q->value, &why);
    if (r < 0 && q->code == 0) {
        q->code = r;
        q->why = why;
    }
    return JOB_COST;
}

static int end(struct question *q, bool last)
{
    return last ? client_answer(q->client, q->control.request, q->code, q->value, q->why.text) : 0;
}

static const struct question_ops control_ops = {.list = list, .piece = piece, .end = end};

static int on_control(struct peer *peer, const struct incoming *in)
{
    struct client *client = peer->client;
    const struct msg_control *control = in->message;
    struct question q = {.ops = &control_ops, .control = *control};
    struct err why = {0};
    uint64_t value = 0;
    int r;
    if (control->verb == VERB_DRAIN) {
        r = drain_workers(client, control->name, &value, &why);
    } else {
        r = question_ask(client, &q, &why);
        if (r == 0)
            return 0; // the answer follows
    }
    return client_answer(client, control->request, r, value, why.text);
}

const struct handler requests_handlers[] = {
    {MSG_CONTROL, SAID_BY_CLIENT, on_control},
    {0},
};
