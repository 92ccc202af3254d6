// Feeds jobs with chunks.
//
// In: ACT_WANT (feeder_want), FEED and FEED_END of clients. Out: EV_FED and EV_FED_END for the
// core, WANT for clients.
//
// A job is fed by its client or its attendant (WANT, FEED), from a source that is described and
// needs no file, or from the chunks that failed in another job. Nothing here waits.
#include "coordinator/feeder.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "coordinator/client.h"
#include "coordinator/handlers.h"
#include "coordinator/server_job.h"
#include "coordinator/shell.h"
#include "coordinator/turn.h"

struct client *feeder_of(const struct server_job *job)
{
    if (job->flags & SUBMIT_FEEDS)
        return job->client;
    // An attendant understands WANT only once it has a source.
    return job->attending.source_is_open ? job->attending.client : NULL;
}

// A source that is described has something at once and touches no file.
static void feed_described(struct server_job *job)
{
    struct run run = {0};
    struct err err = {0};
    struct event end = {.type = EV_FED_END, .job = job->id};
    int r = source_next(job->source, &job->want, &run, &err);
    if (r == 1) {
        server_event(job->server, &(struct event){.type = EV_FED, .job = job->id, .run = &run});
        return;
    }
    end.fed_end.code = r;
    end.fed_end.text = err.text;
    server_event(job->server, &end);
}

static void feed_again(struct server_job *job)
{
    uint64_t n = 0, bytes = 0;
    while (job->again_at < job->again.n && n < job->want.chunks &&
           (!n || bytes < job->want.bytes)) {
        struct run run;
        struct redo *redo = &job->again.list[job->again_at++];
        if (redo_run(redo, job->again_fed, &run) < 0) {
            server_job_cancel(job, CANCEL_KILL);
            return;
        }
        job->again_fed = redo->chunk + 1;
        n++;
        bytes += run.body.len;
        server_event(job->server, &(struct event){.type = EV_FED, .job = job->id, .run = &run});
    }
    if (job->again_at == job->again.n)
        server_event(job->server, &(struct event){.type = EV_FED_END, .job = job->id});
}

void feeder_ask(struct server_job *job)
{
    struct msg_want m = {.job = job->id,
                         .seq = job->want_seq,
                         .chunks = job->want.chunks < PROTO_RUN_CHUNKS_MAX ? job->want.chunks
                                                                           : PROTO_RUN_CHUNKS_MAX,
                         .bytes = job->want.bytes,
                         .mean_run_ns = job->want.mean_run_ns,
                         .slots = job->want.slots};
    const struct client *client = feeder_of(job);
    if (client)
        peer_say(client->peer, MSG_WANT, &m);
}

void feeder_go_on(struct server_job *job)
{
    if (!job->want_open || !attending_is_ready(job))
        return;
    if (job->again.n) {
        job->want_open = false;
        feed_again(job);
    } else if (job->source) {
        job->want_open = false;
        feed_described(job);
    } else {
        job->want_seq++;
        feeder_ask(job);
    }
}

void feeder_want(struct server_job *job, const struct source_want *want)
{
    job->want = *want;
    job->want_open = true;
    attending_begin(job); // unless it has begun already
    feeder_go_on(job);
}

void feeder_stop(struct server_job *job)
{
    job->want = (struct source_want){0};
    job->want_open = false;
    job->want_seq++;
    feeder_ask(job);
}

// The job that this client feeds and that waits for this FEED; NULL if the message is late or a
// repetition.
static struct server_job *fed_job(struct client *client, uint64_t id, uint64_t seq)
{
    struct server_job *job = server_job_find(client->server, id);
    bool fits = job && feeder_of(job) == client && job->want_open && job->want_seq == seq;
    if (!fits)
        return NULL;
    job->want_open = false;
    return job;
}

static int on_feed(struct peer *peer, const struct incoming *in)
{
    struct server *server = peer->port->server;
    struct lease fed;
    uint64_t seq;
    int r = feed_get(&server->reader, in->header, in->header_len, in->body ? in->body->data : NULL,
                     in->body ? in->body->len : 0, &seq, &fed, in->err);
    struct server_job *job = r < 0 ? NULL : fed_job(peer->client, fed.job, seq);
    if (!job)
        return r;
    if ((fed.kind == RUN_RANGE) != (fed.lens == NULL) || fed.count > job->want.chunks)
        return err_set(in->err, -EPROTO, "bad FEED message: chunks that were not asked for");
    struct run run = {.kind = (enum run_kind)fed.kind,
                      .count = fed.count,
                      .item_first = fed.item_first,
                      .items_per_chunk = fed.items_per_chunk,
                      .item_end = fed.item_end};
    if (fed.lens) {
        run.lens = malloc(fed.count * sizeof(*run.lens));
        if (!run.lens)
            return -ENOMEM;
        memcpy(run.lens, fed.lens, fed.count * sizeof(*run.lens));
    }
    if (fed.body_len && in->body)
        run.body = slice_of(in->body, (size_t)(fed.body - in->body->data), fed.body_len);
    server_event(server, &(struct event){.type = EV_FED, .job = job->id, .run = &run});
    return 0;
}

static int on_feed_end(struct peer *peer, const struct incoming *in)
{
    const struct msg_feed_end *fed = in->message;
    struct server_job *job = fed_job(peer->client, fed->job, fed->seq);
    if (!job)
        return 0;
    struct event event = {.type = EV_FED_END, .job = job->id};
    event.fed_end.code = fed->code < 0 ? fed->code : 0;
    event.fed_end.text = fed->text;
    server_event(job->server, &event);
    return 0;
}

const struct handler feeder_handlers[] = {
    {MSG_FEED, SAID_BY_CLIENT, on_feed},
    {MSG_FEED_END, SAID_BY_CLIENT, on_feed_end},
    {0},
};
