// In: ATTEND of attendants, and the end of their processes. Out: jobs that may be fed, end or fail;
// the next attendant of the queue.
#include <errno.h>
#include <stdio.h>

#include "base/container.h"
#include "base/log.h"
#include "coordinator/client.h"
#include "coordinator/feeder.h"
#include "coordinator/handlers.h"
#include "coordinator/server_job.h"
#include "coordinator/shell.h"
#include "coordinator/turn.h"

static void begin_next(struct server *server)
{
    struct attending *a = TAILQ_FIRST(&server->unattended);
    struct err err = {0};
    if (!a)
        return;
    int r = attending_start(container_of(a, struct server_job, attending), &err);
    if (r == -EAGAIN)
        return;
    TAILQ_REMOVE(&server->unattended, a, in_queue);
    if (r < 0) {
        a->state = ATTEND_GONE;
        attending_lose(container_of(a, struct server_job, attending), err.text);
    }
}

void server_attendant_died(struct server *server, uint64_t id, const char *reason)
{
    struct server_job *job = server_job_find(server, id);
    char text[PROTO_TEXT_MAX];
    if (job && job->attending.state == ATTEND_BEGUN) {
        bool was_needed = !job->over || !job->attending.settled;
        job->attending.state = ATTEND_GONE;
        snprintf(text, sizeof(text), "the process that attends to its files was lost: %s", reason);
        if (was_needed)
            attending_lose(job, text);
    }
    begin_next(server);
}

static void skip(struct server_job *job)
{
    struct event event = {.type = EV_FED_END, .job = job->id};
    log_info("nothing to do: its file exists", "job=%llu path=\"%s\"", (unsigned long long)job->id,
             job->plan->sink.path);
    attending_settle(job);
    server_event(job->server, &event);
}

static void heed(struct server_job *job, const struct msg_attend *m)
{
    struct attending *a = &job->attending;
    switch ((enum attend_what)m->what) {
    case ATTEND_SOURCE:
        if (m->code < 0) {
            attending_fail_source(job, m->code, m->text);
            return;
        }
        a->source_is_open = true;
        a->total = m->total;
        attending_answer(job);
        break;
    case ATTEND_SINK:
        if (m->code < 0) {
            attending_fail_sink(job, m->text);
            return;
        }
        a->sink_is_open = true;
        if (m->code == ATTEND_SKIP && !job->over)
            skip(job);
        break;
    default:
        if (m->code < 0) {
            attending_fail_sink(job, m->text);
            return;
        }
        if (job->over)
            attending_settle(job);
        return;
    }
    if (!job->over)
        feeder_go_on(job);
}

static int on_attend(struct peer *peer, const struct incoming *in)
{
    const struct msg_attend *m = in->message;
    struct client *client = peer->client;
    struct server_job *job = server_job_find(client->server, m->job);
    if (!job || job->attending.client != client)
        return client_answer(client, m->request, -ENOENT, 0, "no such job");
    if (job->ended)
        return client_answer(client, m->request, -ECANCELED, 0, "the job has ended");
    client_answer(client, m->request, 0, 0, "");
    heed(job, m);
    return 0;
}

const struct handler attending_handlers[] = {
    {MSG_ATTEND, SAID_BY_CLIENT, on_attend},
    {0},
};
