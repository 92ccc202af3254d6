// Parts of files that workers can't read.
//
// In: ACT_FETCH (fetch_part), DATA of clients. Out: EV_FETCHED for the core, FETCH for clients.
//
// The file is read where the source is read: here, blocking the loop, or by the job's client. A
// client that is away is not asked; the core asks again after a while.
#include "coordinator/fetch.h"

#include "base/cleanup.h"
#include "coordinator/client.h"
#include "coordinator/handlers.h"
#include "coordinator/server_job.h"
#include "coordinator/turn.h"
#include "pipelines/source/extent.h"

static void fetched(struct server_job *job, uint64_t chunk, int code, const char *text,
                    struct slice *bytes)
{
    struct event event = {.type = EV_FETCHED, .job = job->id};
    event.fetched.chunk = chunk;
    event.fetched.code = code;
    event.fetched.text = text;
    event.fetched.bytes = bytes;
    server_event(job->server, &event);
}

static void read_here(struct server_job *job, uint64_t chunk, const struct slice *data)
{
    _cleanup_(buf_done)
    struct buf out;
    struct slice bytes = {0};
    struct extent extent;
    struct err err = {0};
    buf_init(&out, PROTO_BODY_MAX);
    int r = extent_get(data->data, data->len, &extent);
    // The source was read here, so this is the right file even if it has changed since.
    extent.file_size = 0;
    extent.mtime_ns = 0;
    if (r == 0)
        r = extent_read(&extent, &job->plan->source.separator, job->plan->directory, &out, &err);
    if (r >= 0)
        r = slice_copy(out.data, out.len, &bytes);
    fetched(job, chunk, r, err.text, &bytes);
}

void fetch_part(struct server_job *job, uint64_t chunk, const struct slice *extent)
{
    struct msg_fetch m = {
        .job = job->id, .chunk = chunk, .extent = extent->data, .extent_len = extent->len};
    if (!(job->flags & SUBMIT_FEEDS)) {
        read_here(job, chunk, extent);
        return;
    }
    if (job->client)
        peer_say(job->client->peer, MSG_FETCH, &m);
}

static int on_data(struct peer *peer, const struct incoming *in)
{
    const struct msg_data *data = in->message;
    struct slice bytes = {0};
    struct server_job *job = server_job_find(peer->port->server, data->job);
    if (!job || job->client != peer->client)
        return 0;
    if (in->body && data->code == 0)
        bytes = slice_of(in->body, 0, in->body->len);
    fetched(job, data->chunk, data->code < 0 ? data->code : 0, data->text, &bytes);
    return 0;
}

const struct handler fetch_handlers[] = {
    {MSG_DATA, SAID_BY_CLIENT, on_data},
    {0},
};
