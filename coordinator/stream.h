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

// Bytes that were sent and not taken (TAKE): of one client, of all. Beyond that each stream may
// still have STREAM_UNTAKEN, so that one that is not read holds up no other.
#define CLIENT_UNTAKEN (64ull << 20)
#define SERVER_UNTAKEN (512ull << 20)
#define STREAM_UNTAKEN (256u << 10)
#define STREAM_MARKS 256u // places up to which what was sent is known; then it waits for TAKE
#define STREAM_MARK_BYTES (256u << 10) // at least between two of them

// So many bytes had been sent when the record before this offset was.
struct sent_mark {
    uint64_t offset;
    uint64_t bytes;
};

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
    // All that was sent, heads and texts of records too, and what of it was taken: at least what is
    // before the last mark that TAKE has passed, and as much as the credit has grown since the
    // first TAKE, which counts the parts of a large record.
    uint64_t out_bytes;
    uint64_t taken_bytes;
    uint64_t passed_bytes;
    uint64_t grown_bytes;
    struct sent_mark marks[STREAM_MARKS];
    unsigned n_marks;
    bool end_sent; // CLOSE is awaited
    bool closing;  // after CLOSE: END follows when the job is over
};

// The client's stream with that number, or NULL.
struct out_stream *stream_of(const struct client *client, uint64_t id);
// Opens a stream at record `from` of the job. NULL: no memory.
struct out_stream *stream_new(struct client *client, struct server_job *job, uint64_t id,
                              uint64_t from);
// Bytes that may be sent now, as far as untaken ones are concerned.
uint64_t stream_room(const struct out_stream *stream);
// So many bytes more were sent, of results and in all; its cursor stands behind them.
void stream_sent(struct out_stream *stream, uint64_t bytes, uint64_t all);
// The client has taken the records below the offset, and is ready for so many bytes since OPEN.
void stream_took(struct out_stream *stream, uint64_t offset, uint64_t bytes);
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
