// Clients: what they ask, and what becomes of it when they are gone.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "coordinator/internal.h"

struct client *client_find(struct server *server, const struct peer *peer)
{
    struct client *client = NULL;
    HASH_FIND(hh, server->clients, peer->session, sizeof(peer->session), client);
    return client && strcmp(client->user, peer->user) == 0 ? client : NULL;
}

static struct client *client_new(struct server *server, struct peer *peer)
{
    struct client *client = calloc(1, sizeof(*client));
    if (!client)
        return NULL;
    client->server = server;
    client->peer = peer;
    client->rights = peer->rights;
    memcpy(client->session, peer->session, sizeof(client->session));
    memcpy(client->user, peer->user, sizeof(client->user));
    HASH_ADD(hh, server->clients, session, sizeof(client->session), client);
    peer->client = client;
    return client;
}

void client_back(struct client *client, struct peer *peer)
{
    client->peer = peer;
    client->rights = peer->rights;
    peer->client = client;
    for (struct server_job *job = client->server->jobs; job; job = job->hh.next)
        if (job->client == client && job->want_open)
            job_send_want(job);
}

void client_away(struct client *client)
{
    client->peer = NULL;
    client->away_until = clock_after(loop_now(), PROTO_SILENCE_NS);
    // It opens them again when it comes back.
    streams_drop(client);
}

void client_end(struct client *client)
{
    struct server *server = client->server;
    struct server_job *job, *next;
    if (client->peer)
        client->peer->client = NULL;
    streams_drop(client);
    HASH_ITER (hh, server->jobs, job, next) {
        if (job->client != client)
            continue;
        log_info("job ends: its client is gone", "job=%llu", (unsigned long long)job->id);
        job->client = NULL;
        job_abandon(job, CANCEL_RUNNING);
    }
    HASH_DELETE(hh, server->clients, client);
    free(client);
}

void clients_check(struct server *server, int64_t now)
{
    struct client *client, *next;
    HASH_ITER (hh, server->clients, client, next)
        if (!client->peer && now >= client->away_until)
            client_end(client);
}

static int answer(struct client *client, uint64_t request, int code, uint64_t value,
                  const char *text)
{
    struct server *server = client->server;
    struct msg_answer m = {.request = request, .code = code, .value = value};
    snprintf(m.text, sizeof(m.text), "%s", text ? text : "");
    buf_clear(&server->scratch);
    int r = msg_put_answer(&server->scratch, &m);
    if (r == 0 && client->peer)
        peer_send(server, client->peer);
    return r;
}

static int open_source(const struct plan *plan, struct source_reader **ret, struct err *err)
{
    for (size_t i = 0; i < plan->source.n_texts; i++)
        if (plan->source.kind != SOURCE_ITEMS && strcmp(plan->source.texts[i], "-") == 0)
            return err_set(err, -EINVAL,
                           "a detached job can't read the standard input of the one who submits "
                           "it: name a file, or stay with it (fanmill run --connect)");
    return source_open(plan, ret, err);
}

static int on_submit(struct client *client, const struct zmessage *m, struct err *err)
{
    struct server *server = client->server;
    struct msg_submit submit;
    struct err why = {0};
    int r = msg_get_submit(m->header, m->header_len, &submit, err);
    if (r < 0)
        return r;
    if (!m->body || m->body->len > PROTO_PLAN_MAX)
        return err_set(err, -EPROTO, "a SUBMIT without a plan, or with one that is too large");
    struct server_job *job = job_by_key(server, submit.key);
    if (job && strcmp(job->owner, client->user) == 0)
        return answer(client, submit.request, 0, job->id, "");
    struct submission s = {.message = &submit, .client = client};
    uint64_t stage = 0;
    r = job ? err_set(&why, -EEXIST, "another one's job has this key")
            : plan_unpack(m->body->data, m->body->len, submit.flags & SUBMIT_PARTIAL, &s.plan,
                          &why);
    // Who is on this machine need not send files that can be read here.
    if (r == 0 && s.plan && !client->peer->port->is_private &&
        library_missing(server, s.plan, &stage)) {
        plan_free(s.plan);
        return answer(client, submit.request, -ENODATA, stage, "a kernel's library is not here");
    }
    if (r == 0 && s.plan && !(submit.flags & SUBMIT_FEEDS))
        r = open_source(s.plan, &s.source, &why);
    if (r < 0) {
        plan_free(s.plan);
        return answer(client, submit.request, r, 0, why.text);
    }
    r = job_submitted(server, &s, &job, &why);
    return answer(client, submit.request, r, r < 0 ? 0 : job->id, why.text);
}

static int on_store(struct client *client, const struct zmessage *m, struct err *err)
{
    struct msg_store store;
    struct err why = {0};
    struct slice bytes = {0};
    int r = msg_get_store(m->header, m->header_len, &store, err);
    if (r < 0)
        return r;
    if (m->body)
        bytes = slice_of(m->body, 0, m->body->len);
    r = library_store(client->server, store.digest, &bytes, &why);
    slice_drop(&bytes);
    return answer(client, store.request, r, 0, why.text);
}

static bool may_rule(const struct client *client, const struct server_job *job)
{
    return (client->rights & RIGHT_RULE) || strcmp(client->user, job->owner) == 0;
}

static int control_job(struct client *client, struct server_job *job, uint32_t verb,
                       uint64_t *ret_value, struct err *why)
{
    if (!may_rule(client, job))
        return err_set(why, -EACCES, "job %llu is another one's (%s)", (unsigned long long)job->id,
                       job->owner);
    switch (verb) {
    case VERB_CANCEL:
    case VERB_KILL:
        *ret_value += !job->ended;
        job_cancel(job, verb == VERB_KILL ? CANCEL_KILL : CANCEL_RUNNING);
        return 0;
    case VERB_FORGET:
        if (!job->ended)
            return err_set(why, -EBUSY, "job %llu has not ended", (unsigned long long)job->id);
        ++*ret_value;
        job_forget(job);
        return 0;
    default:
        return job_retry(client, job, verb == VERB_RETRY_FAILED, ret_value, why);
    }
}

static int drain_workers(struct client *client, const char *name, uint64_t *ret_n, struct err *why)
{
    struct server *server = client->server;
    if (!(client->rights & RIGHT_RULE))
        return err_set(why, -EACCES, "only an admin may drain workers");
    for (struct peer *peer = server->by_place; peer; peer = peer->by_place.next) {
        char number[24];
        snprintf(number, sizeof(number), "%llu", (unsigned long long)peer->worker);
        bool is_meant = peer->state == PEER_WORKING && !peer->gone &&
                        (strcmp(name, "all") == 0 || strcmp(name, peer->reg.name) == 0 ||
                         strcmp(name, number) == 0);
        if (!is_meant)
            continue;
        ++*ret_n;
        buf_clear(&server->scratch);
        if (msg_put_drain(&server->scratch, &(struct msg_drain){0}) == 0)
            peer_send(server, peer);
    }
    return *ret_n ? 0 : err_set(why, -ENOENT, "there is no worker '%s'", name);
}

static int on_control(struct client *client, const struct zmessage *m, struct err *err)
{
    struct server *server = client->server;
    struct msg_control control;
    struct err why = {0};
    uint64_t value = 0;
    int r = msg_get_control(m->header, m->header_len, &control, err);
    if (r < 0)
        return r;
    if (control.verb == VERB_DRAIN) {
        r = drain_workers(client, control.name, &value, &why);
        return answer(client, control.request, r, value, why.text);
    }
    struct server_job *job, *next;
    bool is_retry = control.verb == VERB_RETRY || control.verb == VERB_RETRY_FAILED;
    bool any = false;
    uint64_t newest = server->next_job; // a retry makes jobs; those are not meant
    HASH_ITER (hh, server->jobs, job, next) {
        if (job->id > newest || !job_is_meant(server, job, control.first, control.last))
            continue;
        any = true;
        r = control_job(client, job, control.verb, &value, &why);
        if (r < 0 || is_retry)
            break;
    }
    if (!any)
        r = err_set(&why, -ENOENT, "there is no such job");
    return answer(client, control.request, r, value, why.text);
}

int client_message(struct server *server, struct peer *peer, int type, const struct zmessage *m,
                   struct err *err)
{
    struct client *client = peer->client ? peer->client : client_new(server, peer);
    int r;
    if (!client)
        return -ENOMEM;
    switch (type) {
    case MSG_SUBMIT:
        return on_submit(client, m, err);
    case MSG_STORE:
        return on_store(client, m, err);
    case MSG_OPEN: {
        struct msg_open open;
        r = msg_get_open(m->header, m->header_len, &open, err);
        return r < 0 ? r : stream_on_open(client, &open);
    }
    case MSG_TAKE: {
        struct msg_take take;
        r = msg_get_take(m->header, m->header_len, &take, err);
        return r < 0 ? r : stream_on_take(client, &take);
    }
    case MSG_CLOSE: {
        struct msg_close close;
        r = msg_get_close(m->header, m->header_len, &close, err);
        return r < 0 ? r : stream_on_close(client, &close);
    }
    case MSG_FEED:
        return job_on_feed(client, m, err);
    case MSG_DATA:
        return job_on_data(client, m, err);
    case MSG_FEED_END:
        return job_on_feed_end(client, m, err);
    case MSG_QUERY: {
        struct msg_query query;
        r = msg_get_query(m->header, m->header_len, &query, err);
        return r < 0 ? r : rows_answer(client, &query);
    }
    case MSG_CONTROL:
        return on_control(client, m, err);
    case MSG_HEARTBEAT:
        return 0;
    case MSG_BYE:
        client_end(client);
        peer->gone = true;
        server->must_flush = true;
        return 0;
    default:
        return err_set(err, -EPROTO, "unexpected message %s",
                       type < 0 ? "of no known form" : msg_name(type));
    }
}
