// Records on their way to clients: each stream has its place in the job's spool and its credit.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "coordinator/internal.h"

#define PAGES_PER_TURN 16 // of one stream, then others have their turn

struct out_stream *stream_of(const struct client *client, uint64_t id)
{
    struct out_stream *stream = client->streams;
    while (stream && stream->id != id)
        stream = stream->next;
    return stream;
}

void stream_mark(struct out_stream *stream)
{
    struct server *server = stream->client->server;
    server->must_flush = true;
    if (stream->is_dirty)
        return;
    stream->is_dirty = true;
    stream->next_dirty = server->dirty;
    server->dirty = stream;
}

static void unlink_dirty(struct out_stream **at, const struct out_stream *stream)
{
    while (*at && *at != stream)
        at = &(*at)->next_dirty;
    if (*at)
        *at = stream->next_dirty;
}

void stream_forget(struct out_stream *stream)
{
    struct client *client = stream->client;
    struct server *server = client->server;
    struct server_job *job = server_job_find(server, stream->job);
    struct out_stream **at = &client->streams;
    while (*at != stream)
        at = &(*at)->next;
    *at = stream->next;
    unlink_dirty(&server->dirty, stream);
    unlink_dirty(&server->dirty_next, stream);
    for (at = job ? &job->readers : NULL; at && *at; at = &(*at)->next_reader)
        if (*at == stream) {
            *at = stream->next_reader;
            break;
        }
    client->n_streams--;
    free(stream);
}

static int send_end(struct client *client, uint64_t stream, int code, const struct job_info *row)
{
    struct server *server = client->server;
    buf_clear(&server->scratch);
    int r = msg_put_end(&server->scratch, stream, code, row);
    if (r == 0 && client->peer)
        peer_send(server, client->peer);
    return r;
}

void stream_end(struct out_stream *stream, int code)
{
    struct client *client = stream->client;
    struct server_job *job = server_job_find(client->server, stream->job);
    struct job_info row = {.id = stream->job};
    uint64_t id = stream->id;
    if (job)
        job_row(job, &row);
    stream_forget(stream);
    send_end(client, id, code, &row);
}

static int check_open(const struct client *client, const struct server_job *job, uint64_t stream)
{
    bool is_detached = job && (job->flags & SUBMIT_DETACHED);
    if (!job)
        return -ENOENT;
    if (!is_detached && job->client != client)
        return -EACCES;
    if ((!is_detached && job->readers) || stream_of(client, stream) ||
        client->n_streams >= SERVER_STREAMS_MAX)
        return -EBUSY;
    return 0;
}

int stream_on_open(struct client *client, const struct msg_open *m)
{
    struct server_job *job = server_job_find(client->server, m->job);
    struct job_info row = {.id = m->job};
    struct out_stream *stream = NULL;
    int code = check_open(client, job, m->stream);
    if (code == 0 && !(stream = calloc(1, sizeof(*stream))))
        code = -ENOMEM;
    if (code == 0 && m->from < job->records.first)
        code = -ESTALE;
    if (code < 0 || !stream) {
        free(stream);
        if (job)
            job_row(job, &row);
        return send_end(client, m->stream, code, &row);
    }
    stream->id = m->stream;
    stream->client = client;
    stream->job = job->id;
    stream->from = stream->taken = m->from;
    stream->next = client->streams;
    client->streams = stream;
    client->n_streams++;
    stream->next_reader = job->readers;
    job->readers = stream;
    stream_mark(stream);
    return 0;
}

// What was taken goes; the place of the one reader is found anew when its page went with it.
static void drop_taken(struct server_job *job, struct out_stream *stream)
{
    bool at_end = stream->is_placed && stream->cursor.offset == job->records.next;
    job_records_drop(&job->records, stream->taken);
    if (at_end && stream->cursor.page < job->records.page_number)
        job_records_seek(&job->records, job->records.next, &stream->cursor);
}

int stream_on_take(struct client *client, const struct msg_take *m)
{
    struct out_stream *stream = stream_of(client, m->stream);
    struct server_job *job = stream ? server_job_find(client->server, stream->job) : NULL;
    if (!job || stream->closing)
        return 0; // it has ended meanwhile
    // Nobody has taken what was not sent.
    if (stream->is_placed && m->taken > stream->taken && m->taken <= stream->cursor.offset)
        stream->taken = m->taken;
    if (m->offset_end > stream->offset_end)
        stream->offset_end = m->offset_end;
    if (m->bytes > stream->bytes)
        stream->bytes = m->bytes;
    if (!(job->flags & SUBMIT_DETACHED))
        drop_taken(job, stream);
    job_grant(job);
    stream_mark(stream);
    return 0;
}

// A job that is over and belongs to nobody is forgotten with its last reader.
static void end_and_forget(struct out_stream *stream, int code)
{
    struct server_job *job = server_job_find(stream->client->server, stream->job);
    stream_end(stream, code);
    if (job && job->ended && job->discard && !job->readers)
        job_forget(job);
}

void streams_drop(struct client *client)
{
    while (client->streams) {
        struct server_job *job = server_job_find(client->server, client->streams->job);
        stream_forget(client->streams);
        if (job && job->ended && job->discard && !job->readers)
            job_forget(job);
    }
}

int stream_on_close(struct client *client, const struct msg_close *m)
{
    struct out_stream *stream = stream_of(client, m->stream);
    struct server_job *job = stream ? server_job_find(client->server, stream->job) : NULL;
    if (!stream || stream->closing)
        return 0;
    bool own = job && job->client == client;
    bool may = own || (job && (client->rights & RIGHT_RULE)) ||
               (job && (client->rights & RIGHT_SUBMIT) && strcmp(client->user, job->owner) == 0);
    stream->closing = true;
    stream_mark(stream);
    if (own) {
        job->client = NULL;
        job_abandon(job, m->mode > CLOSE_LEAVE ? m->mode - 1 : CANCEL_RUNNING);
    } else if (may && m->mode > CLOSE_LEAVE) {
        job_cancel(job, m->mode - 1);
    } else {
        stream_end(stream, 0);
    }
    return 0;
}

// A stream may begin where no record is yet. True once it has its place.
static bool find_place(const struct server_job *job, struct out_stream *stream)
{
    if (!stream->is_placed && job->records.next >= stream->from)
        stream->is_placed = job_records_seek(&job->records, stream->from, &stream->cursor) == 0;
    return stream->is_placed;
}

// Sends what the stream may have. True when more could go in another turn.
static bool send_some(struct server *server, struct out_stream *stream, bool *ret_sent)
{
    struct server_job *job = server_job_find(server, stream->job);
    for (int i = 0; i < PAGES_PER_TURN; i++) {
        if (!job || (stream->closing && job->ended)) {
            *ret_sent = true;
            end_and_forget(stream, stream->told_end ? 0 : -ECANCELED);
            return false;
        }
        if (stream->closing || stream->told_end || !stream->client->peer)
            return false;
        bool is_placed = find_place(job, stream);
        if (job->ended && (!is_placed || stream->cursor.offset >= job->records.next)) {
            struct job_info row;
            job_row(job, &row);
            stream->told_end = true;
            *ret_sent = true;
            send_end(stream->client, stream->id, 0, &row);
            return false;
        }
        if (!is_placed || stream->sent_bytes >= stream->bytes)
            return false;
        struct record_cursor before = stream->cursor;
        buf_clear(&server->header);
        buf_clear(&server->body);
        int n =
            job_records_take(&job->records, &stream->cursor, stream->id, stream->offset_end,
                             stream->bytes - stream->sent_bytes, &server->header, &server->body);
        if (n < 0)
            end_and_forget(stream, n);
        if (n <= 0)
            return false;
        size_t bytes = server->body.len;
        int r = peer_send_frames(server, stream->client->peer, &server->header, &server->body);
        if (r == -EAGAIN)
            stream->cursor = before; // the next TAKE or heartbeat tries again
        if (r < 0)
            return false; // gone, and the stream with it
        stream->sent_bytes += bytes;
        *ret_sent = true;
    }
    return true;
}

bool streams_send(struct server *server)
{
    struct out_stream *stream;
    bool sent = false;
    while ((stream = server->dirty)) {
        server->dirty = stream->next_dirty;
        stream->is_dirty = false;
        stream->next_dirty = NULL;
        if (!send_some(server, stream, &sent))
            continue;
        stream->is_dirty = true;
        stream->next_dirty = server->dirty_next;
        server->dirty_next = stream;
    }
    server->dirty = server->dirty_next;
    server->dirty_next = NULL;
    server->must_flush |= server->dirty != NULL;
    return sent;
}
