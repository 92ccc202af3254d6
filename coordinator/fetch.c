// Parts of files that workers can't read.
//
// In: ACT_FETCH (fetch_part), DATA of clients. Out: EV_FETCHED for the core, FETCH for clients.
//
// The file is read where the source is read: by the job's client or its attendant. One that is away
// is not asked; the core asks again after a while.
#include "coordinator/fetch.h"

#include "coordinator/client.h"
#include "coordinator/feeder.h"
#include "coordinator/handlers.h"
#include "coordinator/server_job.h"
#include "coordinator/turn.h"

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

void fetch_part(struct server_job *job, uint64_t chunk, const struct slice *extent)
{
    struct msg_fetch m = {
        .job = job->id, .chunk = chunk, .extent = extent->data, .extent_len = extent->len};
    const struct client *client = feeder_of(job);
    if (client)
        peer_say(client->peer, MSG_FETCH, &m);
}

static int on_data(struct peer *peer, const struct incoming *in)
{
    const struct msg_data *data = in->message;
    struct slice bytes = {0};
    struct server_job *job = server_job_find(peer->port->server, data->job);
    if (!job || feeder_of(job) != peer->client)
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
