// A job of the shell: where its chunks come from, where its records go, and who it belongs to. What
// its chunks do is the core's (core/state.h: struct core_job), which borrows the plan.
//
// It is freed by server_job_forget() alone, which is called when it has ended and nobody wants its
// records any more. Whoever calls a function that may forget says so; a send never does.
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <uthash.h>

#include "async/loop.h"
#include "async/waitq.h"
#include "coordinator/core/core.h"
#include "coordinator/records.h"
#include "coordinator/redo.h"
#include "coordinator/stream.h"
#include "pipelines/source/source.h"
#include "proto/client.h"

struct client;
struct server;

struct server_job {
    struct server *server;
    uint64_t id;
    uint8_t key[PROTO_SESSION_BYTES];
    struct plan *plan; // owned
    uint32_t flags;    // enum submit_flag
    char owner[PROTO_NAME_MAX];
    struct client *client; // that it belongs to; NULL: detached, or abandoned

    // Chunks: from the client, from `source`, or from `again`. feeder.h.
    struct source_reader *source;
    struct redo_list again; // what this job runs once more
    size_t again_at;
    struct source_want want;  // the core's last
    bool want_open;           // a WANT waits for its FEED
    uint64_t want_seq;        // of the last WANT
    struct task *feeder_task; // reads `source`; NULL once it has ended
    struct waitq feeder;
    bool wanted;    // the feeder's turn
    bool forgotten; // freed when the feeder has ended

    // Records: delivery.h, readers.h.
    struct job_records records;
    struct stream_list readers; // at most one, unless the job is detached
    struct redo_list failed;    // of a detached job
    uint64_t granted;           // records of credit given to the core
    uint64_t granted_bytes;
    uint64_t delivered_bytes;
    uint64_t full_at; // bytes of its records when their file could not be written; 0: never
    bool discard;     // nobody reads: records are dropped

    bool hopeless; // it was said that a step of it can't run
    bool broken;   // a record had no room
    bool timed_out;
    bool ended;
    struct timer timeout;
    uint64_t created_ms; // wall time
    int64_t began;
    int64_t took;               // once ended
    struct job_summary summary; // once ended
    UT_hash_handle hh;          // by id
    UT_hash_handle by_key;
};

struct server_job *server_job_find(const struct server *server, uint64_t id);
struct server_job *server_job_by_key(const struct server *server, const uint8_t *key);
// Whether the range of ids of a request means the job: 0..0 is the newest that is known.
bool server_job_is_meant(const struct server_job *job, uint64_t first, uint64_t last);
static inline bool is_detached(const struct server_job *job)
{
    return job->flags & SUBMIT_DETACHED;
}
// Gives the core the credit that the readers and the limits leave.
void server_job_grant(struct server_job *job);
// Asks the core to end it; its end comes with ACT_JOB_END. Nothing happens to one that has ended.
void server_job_cancel(struct server_job *job, enum cancel_mode mode);
// Logs once when what it needs is on no worker.
void server_job_check_hope(struct server_job *job);

// Ends its streams and frees it, now or when its feeder has ended. The core must be done with it:
// ACT_JOB_END was carried out, or the core is gone.
void server_job_forget(struct server_job *job);
// Forgets it when it is over and belongs to nobody: with its end, or with its last reader.
void server_job_forget_if_unwanted(struct server_job *job);
// Nobody reads it any more: ends it. It is forgotten when it is over, at once if it is already.
void server_job_abandon(struct server_job *job, enum cancel_mode mode);
// Frees one that is in no table and has no feeder. The core must not know it.
void server_job_free(struct server_job *job);
