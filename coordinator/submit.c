// Turns plans into jobs.
//
// In: SUBMIT of a client with a packed plan, or a submission from retry.c. Out: ANSWER with the
// job's id; EV_SUBMIT and the first credit for the core; an attendant if the job needs one.
//
// The same key gives the same job, so that a client can repeat SUBMIT after a reconnect.
#include "coordinator/submit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/container.h"
#include "base/log.h"
#include "coordinator/client.h"
#include "coordinator/feeder.h"
#include "coordinator/handlers.h"
#include "coordinator/libraries.h"
#include "coordinator/server_job.h"
#include "coordinator/shell.h"
#include "coordinator/turn.h"
#include "pipelines/own_path.h"

#define ATTACHED_MEMORY (64u << 20) // of records that a client is about to read

static void on_timeout(struct timer *timer)
{
    struct server_job *job = container_of(timer, struct server_job, timeout);
    job->timed_out = true;
    server_job_cancel(job, CANCEL_RUNNING);
}

void submission_done(struct submission *s)
{
    plan_free(s->plan);
    if (s->again)
        redo_done(s->again);
    if (s->kept)
        kept_done(s->kept);
}

static struct server_job *job_new(struct server *server, struct submission *s)
{
    struct server_job *job = calloc(1, sizeof(*job));
    if (!job)
        return NULL;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    job->server = server;
    job->id = ++server->next_job;
    job->plan = take(s->plan);
    job->flags = s->message->flags;
    memcpy(job->key, s->message->key, sizeof(job->key));
    memcpy(job->owner, s->client->user, sizeof(job->owner));
    job->created_ms = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
    job->began = loop_now();
    if (s->again) {
        job->again = *s->again;
        *s->again = (struct redo_list){0};
    }
    if (s->kept) {
        job->kept = *s->kept;
        *s->kept = (struct kept){0};
    }
    job->plan_bytes = s->plan_bytes;
    job_records_init(&job->records, &server->room);
    if (!is_detached(job))
        job->records.memory_max = ATTACHED_MEMORY;
    return job;
}

// What the job is fed from, without touching a file.
static int prepare(struct server_job *job, const struct submission *s, struct err *err)
{
    const struct source *source = &job->plan->source;
    bool is_ours = !(job->flags & SUBMIT_FEEDS) && !job->again.n;
    for (size_t i = 0; is_ours && source->kind != SOURCE_ITEMS && i < source->n_texts; i++)
        if (path_is_own(source->texts[i]))
            return err_set(err, -EINVAL,
                           "a detached job can't read %s of its submitter: name a file, or stay "
                           "attached (fanmill run --connect)",
                           path_is_stdin(source->texts[i]) ? "the standard input"
                                                           : source->texts[i]);
    if (is_detached(job) && job->plan->sink.kind == SINK_FILE &&
        path_is_descriptor(job->plan->sink.path))
        return err_set(
            err, -EINVAL,
            "a detached job can't write to %s of its submitter: leave its results to the "
            "coordinator (sink: {stdout: raw}, fanmill results), or stay attached "
            "(fanmill run --connect)",
            job->plan->sink.path);
    int r = attending_init(job, s->over_network, err);
    if (r == 0 && is_ours && !(job->attending.needs & ATTEND_NEEDS_SOURCE))
        r = source_open(job->plan, &job->source, err);
    return r;
}

int submit_job(struct server *server, struct submission *s, struct server_job **ret,
               struct err *err)
{
    struct server_job *job = job_new(server, s);
    if (!job) {
        submission_done(s);
        return err_set(err, -ENOMEM, "out of memory");
    }
    int r = keeper_admit(job, err);
    if (r < 0) {
        server_job_free(job);
        server->next_job--;
        return r;
    }
    r = prepare(job, s, err);
    if (r == 0)
        r = needs_take(server, job, s->message, err);
    if (r < 0) {
        server_job_free(job);
        server->next_job--;
        return r;
    }
    struct event event = {.type = EV_SUBMIT, .job = job->id};
    event.plan = job->plan;
    event.blocks = job->needs.blocks;
    r = server_event(server, &event);
    if (r < 0) {
        server_job_free(job);
        return err_set(err, r, "the job can't be accepted");
    }
    HASH_ADD(hh, server->jobs, id, sizeof(job->id), job);
    HASH_ADD(by_key, server->by_key, key, sizeof(job->key), job);
    if (!is_detached(job))
        server_job_attach(job, s->client);
    server->counts.jobs++;
    if (s->message->timeout_ns > 0)
        timer_set(&job->timeout, clock_after(loop_now(), s->message->timeout_ns), on_timeout);
    server_job_grant(job);
    // One that is held, or that other jobs make the files for, has them opened when it may begin.
    if (!job->needs.blocks)
        attending_begin(job);
    needs_settle(job);
    server_job_check_hope(job);
    log_info("job submitted", "job=%llu name=%s owner=\"%s\"", (unsigned long long)job->id,
             job->plan->name, job->owner);
    *ret = job;
    return 0;
}

// A source that can't be read is told with the answer, if that is known soon.
static int answer_submit(struct server_job *job, struct client *client, uint64_t request)
{
    const struct attending *a = &job->attending;
    bool is_opening = (a->needs & ATTEND_NEEDS_SOURCE) && !a->source_is_open;
    if (!is_opening || a->state == ATTEND_NONE || job->over)
        return client_answer(client, request, 0, job->id, "");
    attending_defer(job, client, request);
    return 0;
}

static int on_submit(struct peer *peer, const struct incoming *in)
{
    struct server *server = peer->port->server;
    struct client *client = peer->client;
    const struct msg_submit *submit = in->message;
    struct err why = {0};
    if (!in->body || in->body->len > PROTO_PLAN_MAX)
        return err_set(in->err, -EPROTO, "a SUBMIT without a plan, or with one that is too large");
    struct server_job *job = server_job_by_key(server, submit->key);
    if (job && strcmp(job->owner, client->user) == 0)
        return answer_submit(job, client, submit->request);
    struct submission s = {.message = submit,
                           .client = client,
                           .plan_bytes = (uint64_t)in->body->len,
                           .over_network = !peer->port->is_private};
    uint64_t stage = 0;
    int r = job ? err_set(&why, -EEXIST, "this key is in use by another user's job")
                : plan_unpack(in->body->data, in->body->len, submit->flags & SUBMIT_PARTIAL,
                              &s.plan, &why);
    // A client on this machine need not send files: they can be read here.
    if (r == 0 && s.plan && !peer->port->is_private && library_missing(server, s.plan, &stage)) {
        plan_free(s.plan);
        return client_answer(client, submit->request, -ENODATA, stage,
                             "a kernel's library is missing");
    }
    if (r < 0) {
        plan_free(s.plan);
        return client_answer(client, submit->request, r, 0, why.text);
    }
    r = submit_job(server, &s, &job, &why);
    return r < 0 ? client_answer(client, submit->request, r, 0, why.text)
                 : answer_submit(job, client, submit->request);
}

const struct handler submit_handlers[] = {
    {MSG_SUBMIT, SAID_BY_CLIENT, on_submit},
    {0},
};
