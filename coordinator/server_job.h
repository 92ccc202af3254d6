// A job as the shell knows it: where its chunks come from, where its records go, and its owner. Its
// chunks are the core's business (core/state.h: struct core_job); the core borrows the plan.
//
// Only server_job_forget() frees a job, once it has ended and its records are no longer wanted.
// Functions that may forget jobs say so in their headers; sending never does.
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <uthash.h>

#include "async/loop.h"
#include "coordinator/attending.h"
#include "coordinator/core/core.h"
#include "coordinator/kept.h"
#include "coordinator/needs.h"
#include "coordinator/records.h"
#include "coordinator/redo.h"
#include "coordinator/stream.h"
#include "pipelines/source/source.h"
#include "proto/client.h"

struct client;
struct owner;
struct server;

struct server_job {
    struct server *server;
    uint64_t id;
    uint8_t key[PROTO_SESSION_BYTES];
    struct plan *plan; // owned
    uint32_t flags;    // enum submit_flag
    char owner[PROTO_NAME_MAX];
    struct client *client; // its owner; NULL: detached, or abandoned
    LIST_ENTRY(server_job) of_client;
    struct owner *of_owner; // keeper.h; NULL: it is not counted
    bool is_kept;
    uint64_t kept_bytes;             // once it is
    uint64_t plan_bytes;             // of the plan, packed
    TAILQ_ENTRY(server_job) of_kept; // its owner's
    bool is_closing;
    TAILQ_ENTRY(server_job) of_closing; // its records go to the file; later: it is being freed

    // Chunks, from the client, the attendant, `source` or `again`: feeder.h.
    struct source_reader *source; // one that is described: no file
    struct redo_list again;       // failed chunks of another job that this one runs
    size_t again_at;
    uint64_t again_fed;      // chunk numbers used up
    struct kept kept;        // good results of that job, if they go into this one's sink, too
    struct source_want want; // the core's last
    bool want_open;          // a WANT waits for its FEED
    uint64_t want_seq;       // of the last WANT
    struct attending attending;

    struct job_needs needs; // and whether it is held: needs.h

    // Records: delivery.h, readers.h.
    struct job_records records;
    struct stream_list readers; // at most one, unless the job is detached
    struct redo_list failed;    // of a detached job
    uint64_t granted;           // records of credit given to the core
    uint64_t granted_bytes;
    uint64_t delivered_bytes;
    uint64_t full_at; // bytes of its records when their file failed; 0: it can be written
    bool stalled;     // no room is left for its records
    bool unbounded;   // it ends: what its chunks have given is taken, however much
    bool discard;     // abandoned: records are dropped

    bool hopeless; // it was logged that no worker can run a step of it
    bool broken;   // memory ran out for a record
    bool timed_out;
    bool over;  // the core has given its last record, and forgot it
    bool ended; // over, and its sink is settled
    bool sink_failed;
    char sink_text[PROTO_TEXT_MAX]; // why
    struct timer timeout;
    uint64_t created_ms; // wall time
    int64_t began;
    int64_t took;               // once ended
    struct job_summary summary; // once over
    UT_hash_handle hh;          // by id
    UT_hash_handle by_key;
};

struct server_job *server_job_find(const struct server *server, uint64_t id);
struct server_job *server_job_by_key(const struct server *server, const uint8_t *key);
// The newest job of all; for a client that may rule only its own, the newest of those if it has
// any. NULL: there is none.
struct server_job *server_job_newest(const struct server *server, const struct client *client);
// Makes it a job of that client, which it dies with.
void server_job_attach(struct server_job *job, struct client *client);
// It is no client's any longer.
void server_job_detach(struct server_job *job);
static inline bool is_detached(const struct server_job *job)
{
    return job->flags & SUBMIT_DETACHED;
}
// Passes the readers' credit on to the core, as far as the limits allow.
void server_job_grant(struct server_job *job);
// Has the core end the job, which reports ACT_JOB_END later. If only its sink is still being
// written, that is given up with this turn. Does nothing if it has ended.
void server_job_cancel(struct server_job *job, enum cancel_mode mode);
// Whether its results are for nobody but its sink: they are not kept.
bool server_job_keeps_bytes(const struct server_job *job);
// The same, if what it was granted is half used up.
void server_job_grant_more(struct server_job *job);
// Tries again to write what a full disk kept in memory.
void server_jobs_try_room(struct server *server);
// No record follows: those that are kept go to the file, some each turn.
void server_job_close_records(struct server_job *job);
// What readers have taken makes room, if room is needed. May end streams of readers that are
// behind.
void server_job_make_room(struct server_job *job);
// Logs, once, that no connected worker can run a step of it.
void server_job_check_hope(struct server_job *job);

// Ends its streams and its attendant and frees it. Only after ACT_JOB_END, or without a core.
void server_job_forget(struct server_job *job);
// Forgets it if it is over, abandoned and no longer read.
void server_job_forget_if_unwanted(struct server_job *job);
// Its owner has gone: ends it and drops its records. It is forgotten when it is over, maybe at
// once.
void server_job_abandon(struct server_job *job, enum cancel_mode mode);
// Frees a job that is in no table and that the core does not know. One with many records is freed
// in slices by server_jobs_bury().
void server_job_free(struct server_job *job);
// Frees a share of what is left of large jobs; all of it if `all`.
void server_jobs_bury(struct server *server, bool all);
