// The worker's executors, seen from the agent's event loop. The pool owns the zygote's socket and
// one socketpair per executor; it hands chunks to executors, a few ahead of short kernels, notices
// deaths, and calls back with outcomes. It knows nothing of ZeroMQ or of the coordinator. Steps and
// leases come in by worker/pool/intake.h.
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "proto/message.h"

struct zygote; // worker/zygote/zygote.h
struct pool;

struct pool_callbacks {
    // One part of a chunk's outcome. Borrowed for the call. When `more` is false the chunk is over.
    void (*result)(void *arg, const struct result *result);
    // A chunk runs, and has for a while. Borrowed for the call. NULL: nobody wants to know.
    void (*begun)(void *arg, const struct msg_begun *begun);
    // Chunks leave that pool_recall() asked for; they have not begun. Borrowed for the call.
    void (*returned)(void *arg, const struct msg_return *run);
    // The zygote died, executors can't be forked or memory is out: the worker can't continue. Once.
    void (*broken)(void *arg, int code, const char *text);
};

// Forks nothing itself: asks the zygote, which was forked before any loop or context. Must be
// called in the running loop, from which the callbacks come. Executors are started as chunks come,
// up to `slots`; the first one at once, so that it is ready for the first chunk. Borrows zygote and
// callbacks.
int pool_new(struct zygote *zygote, uint32_t slots, const struct pool_callbacks *callbacks,
             void *arg, struct pool **ret, struct err *err);
// Before the first chunk: no more run at once than the jobserver allows. Borrowed until pool_free,
// which gives its tokens back.
struct jobserver;
void pool_obey(struct pool *pool, struct jobserver *js);
// Closes all sockets and forgets all chunks. What runs is ended by zygote_free(). Accepts NULL.
// Returns NULL.
struct pool *pool_free(struct pool *pool);

// Chunks leased and not begun; chunks that run now.
uint32_t pool_backlog(const struct pool *pool);
uint32_t pool_running(const struct pool *pool);
// Mean run time of recent chunks in ns; 0: none yet. The agent sizes its credit by it.
int64_t pool_mean_run_ns(const struct pool *pool);
// Returns what no executor has yet: calls `back` for each run of chunks that leaves.
void pool_return_queued(struct pool *pool, uint64_t job, bool all_jobs,
                        void (*back)(void *arg, const struct msg_return *run), void *arg);
// Others could run these chunks. Those that have not begun leave, now or in a moment
// (callbacks.returned); those that run are told (callbacks.begun). The rest has a result.
void pool_recall(struct pool *pool, const struct msg_return *run);
// Ends running chunks of a job: TERM, 5 s later KILL, to their process groups; or KILL at once.
// Each still ends with a result callback (OUTCOME_CANCELLED).
void pool_cancel(struct pool *pool, uint64_t job, bool kill_now);
// All that runs stands still, and nothing begins, until pool_resume(). Times of chunks do not count
// it. Both may be called twice.
void pool_pause(struct pool *pool);
void pool_resume(struct pool *pool);
// Names the chunks that executors have, of all jobs.
void pool_held(const struct pool *pool, void (*held)(void *arg, const struct msg_return *run),
               void *arg);
// Says again, by its callback, which chunks run.
void pool_tell_begun(struct pool *pool);
// Kills what runs of these chunks, and drops what does not; results of them may still come.
void pool_discard(struct pool *pool, const struct msg_return *run);
// Forgets all jobs and kills what runs of them; nothing of it gives a result any more.
void pool_reset(struct pool *pool);
