// Streams: clients read the records of jobs.
//
// In: OPEN, TAKE and CLOSE of clients; the end of the turn (readers_send). Out: RECORDS and END for
// clients; credit and cancels for the core.
//
// A stream is sent what lies between its place and its credit, a few pages a turn so that all
// streams get their share. A send that fails marks the peer as gone and frees nothing; the stream
// dies when the peer is buried. Ending the last stream of an abandoned job that is over forgets the
// job, so functions here touch neither afterwards.
#include "coordinator/readers.h"

#include <errno.h>
#include <string.h>

#include "coordinator/client.h"
#include "coordinator/handlers.h"
#include "coordinator/job_row.h"
#include "coordinator/server_job.h"
#include "coordinator/shell.h"

#define STREAMS_MAX 1024u // of one client
#define PAGES_PER_TURN 16 // of one stream, then others have their turn
#define PAGES_OF_ALL 64   // then the loop has

static int check_open(const struct client *client, const struct server_job *job,
                      const struct msg_open *m)
{
    if (!job || (client->attends && client->attends != job->id))
        return -ENOENT;
    if (!is_detached(job) && job->client != client)
        return -EACCES;
    if ((!is_detached(job) && !LIST_EMPTY(&job->readers)) || stream_of(client, m->stream) ||
        HASH_CNT(hh, client->by_number) >= STREAMS_MAX)
        return -EBUSY;
    return m->from < job->records.first ? -ESTALE : 0;
}

static int on_open(struct peer *peer, const struct incoming *in)
{
    struct client *client = peer->client;
    const struct msg_open *m = in->message;
    struct server_job *job = server_job_find(client->server, m->job);
    struct out_stream *stream = NULL;
    int code = check_open(client, job, m);
    if (code == 0 && !(stream = stream_new(client, job, m->stream, m->from)))
        code = -ENOMEM;
    if (stream) {
        stream_mark(stream);
        return 0;
    }
    struct job_info row = {.id = m->job};
    if (job)
        server_job_row(job, &row);
    else
        keeper_words(client->server, m->job, row.text, sizeof(row.text));
    stream_say_end(client, m->stream, code, &row);
    return 0;
}

// Drops what was taken. When the page that the reader stood at the end of went with it, its place
// is found again.
static void drop_taken(struct server_job *job, struct out_stream *stream)
{
    job_records_drop(&job->records, stream->taken);
    if (stream->is_placed && stream->cursor.page < job->records.page_number)
        job_records_seek(&job->records, stream->cursor.offset, &stream->cursor);
}

// Its other streams may have waited for this one.
static void mark_held_up(struct client *client)
{
    struct out_stream *stream;
    if (!client->is_held_up)
        return;
    client->is_held_up = false;
    LIST_FOREACH (stream, &client->streams, of_client)
        stream_mark(stream);
}

static int on_take(struct peer *peer, const struct incoming *in)
{
    const struct msg_take *m = in->message;
    struct out_stream *stream = stream_of(peer->client, m->stream);
    if (!stream)
        question_page_taken(peer->client, m->stream);
    if (!stream || stream->closing)
        return 0; // it ended meanwhile
    struct server_job *job = stream->job;
    // Only what was sent can have been taken.
    if (stream->is_placed && m->taken > stream->taken && m->taken <= stream->cursor.offset)
        stream->taken = m->taken;
    stream_took(stream, stream->taken, m->bytes);
    if (m->offset_end > stream->offset_end)
        stream->offset_end = m->offset_end;
    if (m->bytes > stream->bytes)
        stream->bytes = m->bytes;
    if (!is_detached(job))
        drop_taken(job, stream);
    server_job_grant(job);
    // Making room may have ended it, if others are ahead of it.
    stream = stream_of(peer->client, m->stream);
    if (stream)
        stream_mark(stream);
    mark_held_up(peer->client);
    return 0;
}

static void end_and_forget(struct out_stream *stream, int code)
{
    struct server_job *job = stream->job;
    stream_end(stream, code);
    server_job_forget_if_unwanted(job);
}

void readers_drop(struct client *client)
{
    while (!LIST_EMPTY(&client->streams)) {
        struct out_stream *stream = LIST_FIRST(&client->streams);
        struct server_job *job = stream->job;
        stream_forget(stream);
        server_job_forget_if_unwanted(job);
    }
}

static int on_close(struct peer *peer, const struct incoming *in)
{
    const struct client *client = peer->client;
    const struct msg_close *m = in->message;
    struct out_stream *stream = stream_of(client, m->stream);
    if (!stream || stream->closing)
        return 0;
    struct server_job *job = stream->job;
    bool may = stream_makes_room(stream);
    stream->closing = true;
    stream_mark(stream);
    if (job->client == client)
        server_job_abandon(job, m->mode ? m->mode : CANCEL_RUNNING);
    else if (may && m->mode)
        server_job_cancel(job, m->mode);
    else
        end_and_forget(stream, 0);
    return 0;
}

// A stream may begin at a record that does not exist yet. True once it has its place.
static bool find_place(const struct server_job *job, struct out_stream *stream)
{
    if (!stream->is_placed && job->records.next >= stream->from)
        stream->is_placed = job_records_seek(&job->records, stream->from, &stream->cursor) == 0;
    return stream->is_placed;
}

// Sends the next records within the stream's credit. 1: some, 0: none, -EAGAIN: the queue is full;
// otherwise the connection is lost, or the stream has ended because its records can't be read.
static int send_page(struct server *server, struct out_stream *stream)
{
    struct job_records *records = &stream->job->records;
    struct record_cursor before = stream->cursor;
    buf_clear(&server->header);
    buf_clear(&server->body);
    uint64_t bytes = stream->bytes - stream->sent_bytes, room = stream_room(stream);
    int r = job_records_take(records, &stream->cursor, stream->id, stream->offset_end,
                             bytes < room ? bytes : room, &server->header, &server->body);
    if (r <= 0) {
        if (r < 0)
            end_and_forget(stream, r);
        return r;
    }
    r = peer_send(stream->client->peer, &server->header, server->body.data, server->body.len);
    if (r == 0)
        stream_sent(stream, server->body.len, server->header.len + server->body.len);
    else
        stream->cursor = before; // the next TAKE or heartbeat tries again
    return r < 0 ? r : 1;
}

// Whether the job has no more for it. An attendant is told first: the others wait for the sink.
static bool has_end(const struct out_stream *stream)
{
    return stream->client->attends ? stream->job->over : stream->job->ended;
}

// Sends what the stream's credit allows. True if there may be more for the next turn.
static bool send_some(struct server *server, struct out_stream *stream, unsigned *pages,
                      bool *ret_sent)
{
    const struct server_job *job = stream->job;
    for (int i = 0; i<PAGES_PER_TURN && * pages> 0; i++) {
        if (stream->closing && has_end(stream)) {
            *ret_sent = true;
            end_and_forget(stream, stream->end_sent ? 0 : -ECANCELED);
            return false;
        }
        if (stream->closing || stream->end_sent)
            return false;
        bool is_placed = find_place(job, stream);
        if (!is_placed && stream->from < job->records.first) {
            end_and_forget(stream, -ESTALE);
            return false;
        }
        if (has_end(stream) && (!is_placed || stream->cursor.offset >= job->records.next)) {
            struct job_info row;
            server_job_row(job, &row);
            stream->end_sent = stream_say_end(stream->client, stream->id, 0, &row) == 0;
            *ret_sent |= stream->end_sent;
            return false;
        }
        if (!is_placed || stream->sent_bytes >= stream->bytes || stream_room(stream) == 0 ||
            send_page(server, stream) <= 0)
            return false;
        *ret_sent = true;
        --*pages;
    }
    return true;
}

bool readers_send(struct server *server)
{
    struct out_stream *stream;
    bool sent = false;
    unsigned pages = PAGES_OF_ALL;
    // Those that have had their share go to the end.
    while (pages > 0 && (stream = TAILQ_FIRST(&server->dirty))) {
        TAILQ_REMOVE(&server->dirty, stream, of_dirty);
        stream->is_dirty = false;
        if (send_some(server, stream, &pages, &sent))
            stream_mark(stream);
    }
    if (!TAILQ_EMPTY(&server->dirty))
        server->must_flush = true;
    return sent;
}

const struct handler readers_handlers[] = {
    {MSG_OPEN, SAID_BY_CLIENT, on_open},
    {MSG_TAKE, SAID_BY_CLIENT, on_take},
    {MSG_CLOSE, SAID_BY_CLIENT, on_close},
    {0},
};
