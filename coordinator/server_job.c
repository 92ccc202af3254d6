// Finding jobs, their credit, and their end.
//
// In: calls of all files above. Out: credit and cancels for the core; END for readers of a job that
// is forgotten. Forgetting frees the job at once; callers must not touch it afterwards.
#include "coordinator/server_job.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "coordinator/client.h"
#include "coordinator/shell.h"
#include "coordinator/turn.h"

#define STREAM_BYTES (32ull << 20) // records between core and client

struct server_job *server_job_find(const struct server *server, uint64_t id)
{
    struct server_job *job = NULL;
    HASH_FIND(hh, server->jobs, &id, sizeof(id), job);
    return job;
}

struct server_job *server_job_by_key(const struct server *server, const uint8_t *key)
{
    struct server_job *job = NULL;
    HASH_FIND(by_key, server->by_key, key, PROTO_SESSION_BYTES, job);
    return job;
}

static struct server_job *before(const struct server *server, const struct server_job *job)
{
    return job ? job->hh.prev
               : (struct server_job *)ELMT_FROM_HH(server->jobs->hh.tbl,
                                                   server->jobs->hh.tbl->tail);
}

struct server_job *server_job_newest(const struct server *server, const struct client *client)
{
    if (!server->jobs)
        return NULL;
    struct server_job *newest = before(server, NULL), *job = newest;
    if (!(client->rights & RIGHT_SUBMIT) || (client->rights & RIGHT_RULE))
        return newest;
    while (job && strcmp(job->owner, client->user) != 0)
        job = before(server, job);
    return job ? job : newest;
}

void server_job_attach(struct server_job *job, struct client *client)
{
    job->client = client;
    LIST_INSERT_HEAD(&client->jobs, job, of_client);
}

void server_job_detach(struct server_job *job)
{
    if (job->client)
        LIST_REMOVE(job, of_client);
    job->client = NULL;
}

void server_job_cancel(struct server_job *job, enum cancel_mode mode)
{
    if (job->over)
        attending_cancel(job);
    else
        server_event(job->server,
                     &(struct event){.type = EV_CANCEL, .job = job->id, .cancel = mode});
}

// What is delivered but not sent counts against the reader's credit, so that credit is left
// whenever the reader has taken everything.
static uint64_t bytes_ready(const struct server_job *job)
{
    const struct out_stream *reader = LIST_FIRST(&job->readers);
    uint64_t room;
    if (job->discard)
        return UINT64_MAX / 2;
    if (is_detached(job)) {
        uint64_t max = job->server->options.spool_bytes;
        if (job->full_at && job->full_at < max)
            max = job->full_at;
        return max > job->records.bytes ? max - job->records.bytes : 0;
    }
    room = reader && reader->bytes > reader->sent_bytes ? reader->bytes - reader->sent_bytes : 0;
    if (room > STREAM_BYTES)
        room = STREAM_BYTES;
    uint64_t unsent =
        reader && reader->is_placed ? job_records_after(&job->records, &reader->cursor) : 0;
    return room > unsent ? room - unsent : 0;
}

void server_job_grant(struct server_job *job)
{
    const struct out_stream *reader = LIST_FIRST(&job->readers);
    uint64_t items = reader ? reader->offset_end : 0;
    if (job->discard || is_detached(job))
        items = UINT64_MAX / 2;
    uint64_t bytes = job->delivered_bytes + bytes_ready(job);
    if (job->over || (items <= job->granted && bytes <= job->granted_bytes))
        return;
    job->granted = items > job->granted ? items : job->granted;
    job->granted_bytes = bytes > job->granted_bytes ? bytes : job->granted_bytes;
    struct event event = {.type = EV_STREAM_CREDIT, .job = job->id};
    event.stream_credit.items = job->granted;
    event.stream_credit.bytes = job->granted_bytes;
    server_event(job->server, &event);
}

void server_job_check_hope(struct server_job *job)
{
    char why[256];
    bool hopeless = !job->over && core_job_hopeless(job->server->core, job->id, why, sizeof(why));
    if (hopeless && !job->hopeless)
        log_warn("no connected worker can run this job", "job=%llu reason=\"%s\"",
                 (unsigned long long)job->id, why);
    job->hopeless = hopeless;
}

void server_job_forget(struct server_job *job)
{
    struct server *server = job->server;
    while (!LIST_EMPTY(&job->readers))
        stream_end(LIST_FIRST(&job->readers), -ENOENT);
    timer_cancel(&job->timeout);
    server_job_detach(job);
    HASH_DELETE(hh, server->jobs, job);
    HASH_DELETE(by_key, server->by_key, job);
    server_job_free(job);
}

void server_job_forget_if_unwanted(struct server_job *job)
{
    if (job->ended && job->discard && LIST_EMPTY(&job->readers))
        server_job_forget(job);
}

void server_job_abandon(struct server_job *job, enum cancel_mode mode)
{
    server_job_detach(job);
    job->discard = true;
    server_job_cancel(job, mode);
    server_job_grant(job);
    server_job_forget_if_unwanted(job);
}

void server_job_free(struct server_job *job)
{
    attending_done(job);
    source_close(job->source);
    job_records_done(&job->records);
    redo_done(&job->failed);
    redo_done(&job->again);
    kept_done(&job->kept);
    plan_free(job->plan);
    free(job);
}
