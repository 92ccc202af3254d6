// Feeds jobs with chunks.
//
// In: ACT_WANT (feeder_want), FEED and FEED_END of clients. Out: EV_FED and EV_FED_END for the
// core, WANT for clients.
//
// A job is fed by its client (WANT, FEED), by a task that reads its source here, or from the chunks
// that failed in another job. The task suspends while its source is empty or nothing is wanted;
// meanwhile the job may end and even be forgotten, and then the task frees it as its last act.
#include "coordinator/feeder.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "async/io.h"
#include "async/task.h"
#include "coordinator/client.h"
#include "coordinator/handlers.h"
#include "coordinator/server_job.h"
#include "coordinator/shell.h"
#include "coordinator/turn.h"

static int wait_for_want(struct server_job *job)
{
    while (!job->wanted && !job->ended) {
        int r = waitq_wait(&job->feeder);
        if (r < 0)
            return r;
    }
    job->wanted = false;
    return job->ended ? -ECANCELED : 0;
}

static int pull(struct server_job *job, struct run *ret, struct err *err)
{
    for (;;) {
        int r = source_next(job->source, &job->want, ret, err);
        if (r != -EAGAIN)
            return r;
        r = io_wait(source_fd(job->source), EPOLLIN);
        if (r < 0)
            return r;
        if (job->ended)
            return -ECANCELED;
    }
}

static int feed(void *arg)
{
    struct server_job *job = arg;
    struct server *server = job->server;
    struct err err = {0};
    int r;
    while ((r = wait_for_want(job)) == 0) {
        struct run run = {0};
        r = pull(job, &run, &err);
        if (r != 1)
            break;
        server_event(server, &(struct event){.type = EV_FED, .job = job->id, .run = &run});
    }
    if (!job->ended && !job->forgotten && r != -ECANCELED) {
        struct event end = {.type = EV_FED_END, .job = job->id};
        end.fed_end.code = r;
        end.fed_end.text = err.text;
        server_event(server, &end);
    }
    task_unref(job->feeder_task);
    job->feeder_task = NULL;
    if (job->forgotten)
        server_job_free(job);
    return 0;
}

int feeder_start(struct server_job *job)
{
    job->feeder_task = group_go(&job->server->feeders, "feeder", feed, job);
    return job->feeder_task ? 0 : -ENOMEM;
}

static void feed_again(struct server_job *job)
{
    uint64_t n = 0, bytes = 0;
    while (job->again_at < job->again.n && n < job->want.chunks &&
           (!n || bytes < job->want.bytes)) {
        struct run run;
        if (redo_run(&job->again.list[job->again_at++], &run) < 0) {
            server_job_cancel(job, CANCEL_KILL);
            return;
        }
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
    if (job->client)
        peer_say(job->client->peer, MSG_WANT, &m);
}

void feeder_want(struct server_job *job, const struct source_want *want)
{
    job->want = *want;
    if (job->again.n) {
        feed_again(job);
        return;
    }
    if (job->source) {
        job->wanted = true;
        waitq_wake_all(&job->feeder);
        return;
    }
    job->want_open = true;
    job->want_seq++;
    feeder_ask(job);
}

void feeder_stop(struct server_job *job)
{
    waitq_wake_all(&job->feeder);
    if (!job->client || !(job->flags & SUBMIT_FEEDS))
        return;
    job->want = (struct source_want){0};
    job->want_seq++;
    feeder_ask(job);
}

// The client's own job that waits for this FEED; NULL if the message is late or a repetition.
static struct server_job *fed_job(struct client *client, uint64_t id, uint64_t seq)
{
    struct server_job *job = server_job_find(client->server, id);
    bool fits = job && job->client == client && job->want_open && job->want_seq == seq;
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
