// Streams: their lists, their marks and their END. What they send is in readers.c.
//
// Ending a stream frees it before END is sent, so that nothing refers to it any longer.
#include "coordinator/stream.h"

#include <stdlib.h>
#include <string.h>

#include "coordinator/client.h"
#include "coordinator/job_row.h"
#include "coordinator/peer.h"
#include "coordinator/server_job.h"
#include "coordinator/shell.h"

struct out_stream *stream_of(const struct client *client, uint64_t id)
{
    struct out_stream *stream = NULL;
    HASH_FIND(hh, client->by_number, &id, sizeof(id), stream);
    return stream;
}

struct out_stream *stream_new(struct client *client, struct server_job *job, uint64_t id,
                              uint64_t from)
{
    struct out_stream *stream = calloc(1, sizeof(*stream));
    if (!stream)
        return NULL;
    stream->id = id;
    stream->client = client;
    stream->job = job;
    stream->from = stream->taken = from;
    LIST_INSERT_HEAD(&client->streams, stream, of_client);
    HASH_ADD(hh, client->by_number, id, sizeof(stream->id), stream);
    LIST_INSERT_HEAD(&job->readers, stream, of_job);
    return stream;
}

static uint64_t untaken(const struct out_stream *stream)
{
    return stream->out_bytes - stream->taken_bytes;
}

static void count_untaken(struct out_stream *stream, uint64_t bytes)
{
    stream->client->untaken += bytes;
    stream->client->server->untaken += bytes;
}

uint64_t stream_room(const struct out_stream *stream)
{
    struct client *client = stream->client;
    uint64_t own = untaken(stream);
    if (client->untaken < CLIENT_UNTAKEN && client->server->untaken < SERVER_UNTAKEN)
        return CLIENT_UNTAKEN - client->untaken;
    client->is_held_up = true;
    return own < STREAM_UNTAKEN ? STREAM_UNTAKEN - own : 0;
}

void stream_sent(struct out_stream *stream, uint64_t bytes, uint64_t all)
{
    unsigned n = stream->n_marks;
    uint64_t before = n > 1 ? stream->marks[n - 2].bytes : stream->passed_bytes;
    stream->sent_bytes += bytes;
    stream->out_bytes += all;
    count_untaken(stream, all);
    // One that is near the one before it moves on.
    if (n && stream->marks[n - 1].bytes - before < STREAM_MARK_BYTES)
        n--;
    if (n == STREAM_MARKS)
        n--;
    stream->marks[n] = (struct sent_mark){stream->cursor.offset, stream->out_bytes};
    stream->n_marks = n + 1;
}

void stream_took(struct out_stream *stream, uint64_t offset, uint64_t bytes)
{
    unsigned n = 0;
    while (n < stream->n_marks && stream->marks[n].offset <= offset)
        stream->passed_bytes = stream->marks[n++].bytes;
    stream->n_marks -= n;
    memmove(stream->marks, stream->marks + n, stream->n_marks * sizeof(*stream->marks));
    if (stream->bytes && bytes > stream->bytes)
        stream->grown_bytes += bytes - stream->bytes;
    if (stream->grown_bytes > stream->out_bytes)
        stream->grown_bytes = stream->out_bytes;
    uint64_t taken =
        stream->grown_bytes > stream->passed_bytes ? stream->grown_bytes : stream->passed_bytes;
    if (taken <= stream->taken_bytes)
        return;
    count_untaken(stream, stream->taken_bytes - taken);
    stream->taken_bytes = taken;
}

bool stream_makes_room(const struct out_stream *stream)
{
    const struct client *client = stream->client;
    return (client->rights & RIGHT_RULE) ||
           ((client->rights & RIGHT_SUBMIT) && strcmp(client->user, stream->job->owner) == 0);
}

void stream_mark(struct out_stream *stream)
{
    struct server *server = stream->client->server;
    server->must_flush = true;
    if (stream->is_dirty)
        return;
    stream->is_dirty = true;
    TAILQ_INSERT_TAIL(&server->dirty, stream, of_dirty);
}

void stream_forget(struct out_stream *stream)
{
    LIST_REMOVE(stream, of_client);
    LIST_REMOVE(stream, of_job);
    if (stream->is_dirty)
        TAILQ_REMOVE(&stream->client->server->dirty, stream, of_dirty);
    HASH_DELETE(hh, stream->client->by_number, stream);
    count_untaken(stream, -untaken(stream));
    free(stream);
}

int stream_say_end(struct client *client, uint64_t stream, int code, const struct job_info *row)
{
    return peer_say(client->peer, MSG_END, &(struct msg_end){stream, code, *row});
}

void stream_end(struct out_stream *stream, int code)
{
    struct client *client = stream->client;
    struct job_info row;
    uint64_t id = stream->id;
    server_job_row(stream->job, &row);
    stream_forget(stream);
    stream_say_end(client, id, code, &row);
}
