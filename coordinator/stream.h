// A subscription to a job's records: one client reads one job, from its place in the job's records
// and as far as its credit goes. It lives in two lists, its client's and its job's, and dies with
// either: both end their streams before they are freed, so both pointers are always good.
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>
#include <uthash.h>

#include "coordinator/records.h"

struct client;
struct job_info;
struct server_job;

LIST_HEAD(stream_list, out_stream);
TAILQ_HEAD(dirty_list, out_stream);

struct out_stream {
    LIST_ENTRY(out_stream) of_client;
    LIST_ENTRY(out_stream) of_job;
    TAILQ_ENTRY(out_stream) of_dirty; // of the server's
    bool is_dirty;
    uint64_t id; // the client's number
    UT_hash_handle hh;
    struct client *client;
    struct server_job *job;
    uint64_t from;
    bool is_placed; // its first record exists
    struct record_cursor cursor;
    uint64_t taken;
    uint64_t offset_end;
    uint64_t bytes; // result bytes that may be sent, since OPEN
    uint64_t sent_bytes;
    bool end_sent; // CLOSE is awaited
    bool closing;  // after CLOSE: END follows when the job is over
};

// The client's stream with that number, or NULL.
struct out_stream *stream_of(const struct client *client, uint64_t id);
// Opens a stream at record `from` of the job. NULL: no memory.
struct out_stream *stream_new(struct client *client, struct server_job *job, uint64_t id,
                              uint64_t from);
// Whether it is read on behalf of the job's owner or an admin: what it has taken need not be kept
// when room is needed.
bool stream_makes_room(const struct out_stream *stream);
// Has it looked at at the end of the turn: there may be something to send.
void stream_mark(struct out_stream *stream);
// Frees it without sending END.
void stream_forget(struct out_stream *stream);
// Sends END and frees it.
void stream_end(struct out_stream *stream, int code);
// Sends END, also for a stream that could not be opened. Returns as peer_say() does.
int stream_say_end(struct client *client, uint64_t stream, int code, const struct job_info *row);
