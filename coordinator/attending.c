// In: new jobs (submit.c), what attendants say (attendants.c), the end of a job's chunks. Out:
// processes that begin and are killed (server_options.attend), ANSWER to SUBMIT, failures and
// cancels for the core.
//
// Settling a sink only marks the job; it ends at the end of the turn (delivery.c), so nothing here
// forgets a job.
#include "coordinator/attending.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "base/container.h"
#include "coordinator/client.h"
#include "coordinator/server_job.h"
#include "coordinator/shell.h"
#include "coordinator/turn.h"

static bool reads_files(const struct source *source)
{
    return source->kind != SOURCE_ITEMS && source->kind != SOURCE_RANGE &&
           source->kind != SOURCE_MATRIX;
}

int attending_init(struct server_job *job, bool over_network, struct err *err)
{
    struct attending *a = &job->attending;
    const struct plan *plan = job->plan;
    unsigned needs = 0;
    *a = (struct attending){.over_network = over_network, .total = UINT64_MAX};
    if (!(job->flags & SUBMIT_FEEDS) && !job->again.n && reads_files(&plan->source))
        needs |= ATTEND_NEEDS_SOURCE;
    if (is_detached(job) && (plan->sink.kind == SINK_FILE || plan->sink.kind == SINK_DIR))
        needs |= ATTEND_NEEDS_SINK;
    a->settled = !(needs & ATTEND_NEEDS_SINK);
    if (!needs)
        return 0;
    if (!job->server->options.attend)
        return err_set(err, -ENOTSUP,
                       "this coordinator neither reads sources nor writes sinks of submitted jobs");
    unsigned refused = over_network ? needs & ~job->server->options.remote_needs : 0;
    if (refused & ATTEND_NEEDS_SOURCE)
        return err_set(err, -EACCES,
                       "jobs from other machines may not have files read where the coordinator "
                       "runs: stay attached, then they are read where you are (fanmill run "
                       "--connect), or have the operator allow a folder (fanmill coordinator "
                       "--jobs-may-read DIR)");
    if (refused & ATTEND_NEEDS_SINK)
        return err_set(err, -EACCES,
                       "jobs from other machines may not have files written where the coordinator "
                       "runs: stay attached (fanmill run --connect), leave the results to the "
                       "coordinator (sink: {stdout: raw}, fanmill results), or have the operator "
                       "allow a folder (fanmill coordinator --jobs-may-write DIR)");
    if (getrandom(a->session, sizeof(a->session), 0) != sizeof(a->session))
        return err_set(err, -EIO, "can't get random bytes");
    a->needs = needs;
    HASH_ADD(hh, job->server->attended, session, sizeof(a->session), a);
    return 0;
}

static struct server_job *job_of(struct attending *a)
{
    return container_of(a, struct server_job, attending);
}

int attending_start(struct server_job *job, struct err *err)
{
    struct attending *a = &job->attending;
    struct server *server = job->server;
    struct buf packed;
    buf_init(&packed, PLAN_WHOLE_MAX);
    int r = plan_pack(job->plan, &packed);
    if (r < 0)
        err_sys(err, r, "the job");
    if (r == 0) {
        const struct attend_request request = {.job = job->id,
                                               .session = a->session,
                                               .needs = a->needs,
                                               .over_network = a->over_network,
                                               .plan = packed.data,
                                               .plan_len = packed.len};
        r = server->options.attend(server->options.arg, &request, err);
    }
    buf_done(&packed);
    if (r == 0)
        a->state = ATTEND_BEGUN;
    return r;
}

static void leave_queue(struct attending *a)
{
    if (a->state != ATTEND_QUEUED)
        return;
    TAILQ_REMOVE(&job_of(a)->server->unattended, a, in_queue);
    a->state = ATTEND_GONE;
}

static void answer(struct server_job *job, int code, const char *text)
{
    struct attending *a = &job->attending;
    struct client *client = NULL;
    if (!a->asks)
        return;
    a->asks = false;
    timer_cancel(&a->patience);
    HASH_FIND(hh, job->server->clients, a->asker, sizeof(a->asker), client);
    if (client)
        client_answer(client, a->request, code, code < 0 ? 0 : job->id, text);
}

void attending_answer(struct server_job *job)
{
    answer(job, 0, "");
}

void attending_settle(struct server_job *job)
{
    struct attending *a = &job->attending;
    struct server *server = job->server;
    if (a->settled)
        return;
    a->settled = a->is_listed = true;
    TAILQ_INSERT_TAIL(&server->settled, a, in_settled);
    server->must_flush = true;
}

void attending_unlist(struct server_job *job)
{
    struct attending *a = &job->attending;
    if (a->is_listed)
        TAILQ_REMOVE(&job->server->settled, a, in_settled);
    a->is_listed = false;
}

void attending_fail_sink(struct server_job *job, const char *text)
{
    if (job->attending.settled)
        return;
    job->sink_failed = true;
    snprintf(job->sink_text, sizeof(job->sink_text), "%s", text);
    answer(job, 0, "");
    attending_settle(job);
    if (!job->over)
        server_event(job->server,
                     &(struct event){.type = EV_CANCEL, .job = job->id, .cancel = CANCEL_KILL});
}

void attending_fail_source(struct server_job *job, int code, const char *text)
{
    struct event event = {.type = EV_FED_END, .job = job->id};
    event.fed_end.code = code;
    event.fed_end.text = text;
    if (job->over)
        return;
    // Its submitter is told at once, and nobody will ask for it.
    if (job->attending.asks) {
        answer(job, code, text);
        job->discard = true;
    }
    attending_settle(job);
    server_event(job->server, &event);
}

void attending_lose(struct server_job *job, const char *text)
{
    const struct attending *a = &job->attending;
    if (a->asks || !(a->needs & ATTEND_NEEDS_SINK))
        attending_fail_source(job, -EPIPE, text);
    else
        attending_fail_sink(job, text);
}
void attending_begin(struct server_job *job)
{
    struct attending *a = &job->attending;
    struct err err = {0};
    if (!a->needs || a->state != ATTEND_NONE)
        return;
    int r = attending_start(job, &err);
    if (r == -EAGAIN) {
        a->state = ATTEND_QUEUED;
        TAILQ_INSERT_TAIL(&job->server->unattended, a, in_queue);
    } else if (r < 0) {
        a->state = ATTEND_GONE;
        attending_lose(job, err.text);
    }
}

static void on_patience(struct timer *timer)
{
    struct attending *a = container_of(timer, struct attending, patience);
    struct server_job *job = job_of(a);
    if (!job->over)
        answer(job, 0, "");
    else if (job->ended && a->state == ATTEND_BEGUN)
        job->server->options.attend_kill(job->server->options.arg, job->id);
    else
        attending_cancel(job);
}

void attending_defer(struct server_job *job, const struct client *client, uint64_t request)
{
    struct attending *a = &job->attending;
    a->request = request;
    memcpy(a->asker, client->session, sizeof(a->asker));
    if (!a->asks)
        timer_set(&a->patience, clock_after(loop_now(), ATTEND_ANSWER_NS), on_patience);
    a->asks = true;
}

bool attending_is_ready(const struct server_job *job)
{
    const struct attending *a = &job->attending;
    return (!(a->needs & ATTEND_NEEDS_SOURCE) || a->source_is_open) &&
           (!(a->needs & ATTEND_NEEDS_SINK) || a->sink_is_open);
}

void attending_explain(const struct server_job *job, char *ret, size_t size)
{
    const struct attending *a = &job->attending;
    bool no_source = (a->needs & ATTEND_NEEDS_SOURCE) && !a->source_is_open;
    *ret = '\0';
    if (job->over && !job->ended)
        snprintf(ret, size, "all chunks are over; %s '%s' is being written",
                 job->plan->sink.kind == SINK_DIR ? "folder" : "file", job->plan->sink.path);
    else if (a->state == ATTEND_QUEUED)
        snprintf(ret, size,
                 "waiting for an attendant, a process that reads its source and writes its sink: "
                 "as many as may be are at work for other jobs");
    else if (a->state == ATTEND_NONE)
        return; // the core knows why it does not begin
    else if (!job->over && no_source)
        snprintf(ret, size, "its source is being opened");
    else if (!job->over && !attending_is_ready(job))
        snprintf(ret, size, "'%s' is being opened", job->plan->sink.path);
}

bool attending_over(struct server_job *job)
{
    struct attending *a = &job->attending;
    bool never_began = a->state == ATTEND_QUEUED || a->state == ATTEND_NONE;
    leave_queue(a);
    answer(job, 0, "");
    if (never_began)
        attending_settle(job);
    // One that is done ends by itself; a whole sink may take its time.
    if (a->state == ATTEND_BEGUN && (a->settled || !fate_is_whole(job->summary.fate)))
        timer_set(&a->patience, clock_after(loop_now(), ATTEND_GRACE_NS), on_patience);
    return a->settled;
}

void attending_cancel(struct server_job *job)
{
    if (!job->over || job->ended)
        return;
    if (fate_is_whole(job->summary.fate)) {
        job->summary.fate = FATE_CANCELLED;
        snprintf(job->summary.text, sizeof(job->summary.text),
                 "it was ended before '%.300s' was whole", job->plan->sink.path);
    }
    job->server->options.attend_kill(job->server->options.arg, job->id);
    attending_settle(job);
}

void attending_done(struct server_job *job)
{
    struct attending *a = &job->attending;
    struct server *server = job->server;
    timer_cancel(&a->patience);
    leave_queue(a);
    if (!a->needs)
        return;
    attending_unlist(job);
    if (a->state == ATTEND_BEGUN)
        server->options.attend_kill(server->options.arg, job->id);
    HASH_DELETE(hh, server->attended, a);
    a->needs = 0;
}

struct server_job *attending_of(const struct server *server, const uint8_t *session)
{
    struct attending *a = NULL;
    HASH_FIND(hh, server->attended, session, PROTO_SESSION_BYTES, a);
    return a ? job_of(a) : NULL;
}

void attending_came(struct client *client)
{
    struct server_job *job = attending_of(client->server, client->session);
    if (job)
        job->attending.client = client;
}

void attending_left(const struct client *client)
{
    struct server_job *job = attending_of(client->server, client->session);
    if (!job || job->attending.client != client)
        return;
    job->attending.client = NULL;
    if (!job->over || !job->attending.settled)
        attending_lose(job, "the process that attends to its files left without a word");
}
