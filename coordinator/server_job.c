// Finding jobs, their credit, and their end.
//
// In: calls of all files above. Out: credit and cancels for the core; END for readers of a job that
// is forgotten. Forgetting frees the job at once; callers must not touch it afterwards.
#include "coordinator/server_job.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "coordinator/client.h"
#include "coordinator/job_row.h"
#include "coordinator/page_file.h"
#include "coordinator/shell.h"
#include "coordinator/turn.h"

#define STREAM_BYTES (32ull << 20)    // records between core and client
#define ITEMS_AHEAD 131072u           // likewise, of a detached job: more than can be under way
#define RECORD_BYTES_MIN 48u          // that a record without a result takes
#define ROOM_LOW 16u                  // room is made when less than 1/16 of it is left
#define ROOM_MADE 8u                  // then 1/8 of it
#define ROOM_TRIED RECORDS_MEMORY_ALL // bytes written at once when a full disk is tried again
#define BURIED_PER_TURN (64ull << 20) // bytes of records of forgotten jobs that are given back
#define CLOSED_PER_TURN (16ull << 20) // bytes written of jobs that have ended
#define SLOW_PAGES 64u                // a job with more pages is freed in slices

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
    if (job->over) {
        attending_cancel(job);
        return;
    }
    // It ends however little its results are read: what its chunks have given is taken.
    job->unbounded = true;
    server_job_grant(job);
    server_event(job->server, &(struct event){.type = EV_CANCEL, .job = job->id, .cancel = mode});
}

// ---- credit

static uint64_t room_of(const struct server_job *job)
{
    uint64_t max = server_job_records_max(job);
    return max > job->records.bytes ? max - job->records.bytes : 0;
}

bool server_job_keeps_bytes(const struct server_job *job)
{
    return !is_detached(job) || job->plan->sink.kind != SINK_NONE;
}

// Records below this offset may go when room is needed: the sink has them, or a reader that may has
// taken them, or nobody waits for them.
static uint64_t dispensable(const struct server_job *job)
{
    enum sink_kind sink = job->plan->sink.kind;
    const struct out_stream *stream;
    uint64_t offset = UINT64_MAX;
    if (sink == SINK_NONE)
        return job->records.next;
    bool attends = job->attending.needs & ATTEND_NEEDS_SINK;
    LIST_FOREACH (stream, &job->readers, of_job)
        if ((attends ? stream->client == job->attending.client : stream_makes_room(stream)) &&
            stream->taken < offset)
            offset = stream->taken;
    return offset == UINT64_MAX ? 0 : offset;
}

// Whoever stood in a page that went finds its place again, or is too late.
static void place_again(struct server_job *job)
{
    struct out_stream *stream, *next;
    for (stream = LIST_FIRST(&job->readers); stream; stream = next) {
        next = LIST_NEXT(stream, of_job);
        if (!stream->is_placed || stream->cursor.page >= job->records.page_number)
            continue;
        if (job_records_seek(&job->records, stream->cursor.offset, &stream->cursor) < 0)
            stream_end(stream, -ESTALE);
    }
}

void server_job_make_room(struct server_job *job)
{
    uint64_t max = server_job_records_max(job);
    if (room_of(job) >= max / ROOM_LOW)
        return;
    uint64_t first = job->records.first;
    job_records_make_room(&job->records, dispensable(job), max / ROOM_MADE);
    if (job->records.first != first)
        place_again(job);
}

static void note_stall(struct server_job *job, bool stalled)
{
    char words[PROTO_TEXT_MAX];
    if (stalled == job->stalled)
        return;
    job->stalled = stalled;
    server_job_stall_words(job, words, sizeof(words));
    if (stalled)
        log_warn("a job does not go on", "job=%llu reason=\"%s\"", (unsigned long long)job->id,
                 words);
    else
        log_info("a job goes on: there is room for its results", "job=%llu",
                 (unsigned long long)job->id);
}

// What is delivered but not sent counts against the reader's credit, so that credit is left
// whenever the reader has taken everything.
static void ask_reader(const struct server_job *job, uint64_t *ret_items, uint64_t *ret_bytes)
{
    const struct out_stream *reader = LIST_FIRST(&job->readers);
    uint64_t room =
        reader && reader->bytes > reader->sent_bytes ? reader->bytes - reader->sent_bytes : 0;
    if (room > STREAM_BYTES)
        room = STREAM_BYTES;
    uint64_t unsent =
        reader && reader->is_placed ? job_records_after(&job->records, &reader->cursor) : 0;
    *ret_items = reader ? reader->offset_end : 0;
    *ret_bytes = job->delivered_bytes + (room > unsent ? room - unsent : 0);
}

// A little ahead: how much can be kept may change.
static void ask_room(struct server_job *job, uint64_t *ret_items, uint64_t *ret_bytes)
{
    server_job_make_room(job);
    uint64_t room = room_of(job);
    uint64_t items = room / RECORD_BYTES_MIN;
    note_stall(job, room == 0);
    *ret_items = job->records.next + (items < ITEMS_AHEAD ? items : ITEMS_AHEAD);
    *ret_bytes = job->delivered_bytes + (room < STREAM_BYTES ? room : STREAM_BYTES);
}

void server_job_grant(struct server_job *job)
{
    uint64_t items = UINT64_MAX / 2, bytes = UINT64_MAX / 2;
    if (job->over)
        return;
    if (!job->discard && !job->unbounded) {
        if (is_detached(job))
            ask_room(job, &items, &bytes);
        else
            ask_reader(job, &items, &bytes);
    }
    if (items <= job->granted && bytes <= job->granted_bytes)
        return;
    job->granted = items > job->granted ? items : job->granted;
    job->granted_bytes = bytes > job->granted_bytes ? bytes : job->granted_bytes;
    struct event event = {.type = EV_STREAM_CREDIT, .job = job->id};
    event.stream_credit.items = job->granted;
    event.stream_credit.bytes = job->granted_bytes;
    server_event(job->server, &event);
}

void server_job_grant_more(struct server_job *job)
{
    if (is_detached(job) && (job->granted - job->records.next < ITEMS_AHEAD / 2 ||
                             job->granted_bytes - job->delivered_bytes < STREAM_BYTES / 2))
        server_job_grant(job);
}

void server_jobs_try_room(struct server *server)
{
    uint64_t budget = ROOM_TRIED;
    bool full = false;
    if (!server->room_is_full)
        return;
    for (struct server_job *job = server->jobs; job; job = job->hh.next) {
        if (!job->full_at)
            continue;
        if (job_records_spill(&job->records, job->records.memory_max, &budget) < 0 || !budget) {
            full = true;
            break;
        }
        job->full_at = 0;
        server_job_grant(job);
    }
    server->room_is_full = full;
    if (!full)
        log_info("records can be written again", "bytes=%llu",
                 (unsigned long long)page_file_bytes(server->room.file));
}

// ----

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
    keeper_lose(job);
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

static void free_now(struct server_job *job)
{
    source_close(job->source);
    job_records_done(&job->records);
    job->server->keeper.failed_bytes -= job->failed.bytes;
    redo_done(&job->failed);
    redo_done(&job->again);
    kept_done(&job->kept);
    needs_drop(job);
    plan_free(job->plan);
    free(job);
}

void server_job_free(struct server_job *job)
{
    if (job->is_closing)
        TAILQ_REMOVE(&job->server->closing, job, of_closing);
    job->is_closing = false;
    attending_done(job);
    keeper_lose(job);
    if (job->records.n > SLOW_PAGES)
        TAILQ_INSERT_TAIL(&job->server->dying, job, of_closing);
    else
        free_now(job);
}

void server_job_close_records(struct server_job *job)
{
    job_records_close(&job->records);
    if (!is_detached(job) || !job->server->room.file || job->is_closing)
        return;
    job->is_closing = true;
    TAILQ_INSERT_TAIL(&job->server->closing, job, of_closing);
}

void server_jobs_bury(struct server *server, bool all)
{
    struct server_job *job;
    uint64_t left = all ? UINT64_MAX : BURIED_PER_TURN;
    while (left > 0 && (job = TAILQ_FIRST(&server->dying))) {
        uint64_t before = job->records.bytes;
        job_records_make_room(&job->records, UINT64_MAX, left);
        left -= before - job->records.bytes;
        if (job->records.n > 0 && !all)
            break;
        TAILQ_REMOVE(&server->dying, job, of_closing);
        free_now(job);
    }
    left = CLOSED_PER_TURN;
    while (!all && left > 0 && (job = TAILQ_FIRST(&server->closing))) {
        int r = job_records_spill(&job->records, 0, &left);
        if (r == 0 && left == 0)
            return; // it goes on in the next turn
        // What can't be written stays in memory: keeper.h bounds that, too.
        TAILQ_REMOVE(&server->closing, job, of_closing);
        job->is_closing = false;
    }
}
