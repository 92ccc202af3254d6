// The worker's executors, seen from the agent's event loop. The pool owns the zygote's socket and
// one socketpair per executor; it hands chunks to executors, keeps a few ahead of short kernels,
// notices deaths, and calls back with outcomes. It knows nothing of ZeroMQ or of the coordinator.
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "proto/message.h"

struct zygote; // worker/zygote.h
struct pool;

struct pool_callbacks {
    // One part of a chunk's outcome. Borrowed for the call. When `more` is false the chunk is over.
    void (*result)(void *arg, const struct result *result);
    // A kernel told its progress, or a heartbeat's worth of news. Optional.
    void (*progress)(void *arg, uint64_t job, uint64_t chunk, uint64_t done, uint64_t total);
    // The pool has room for more chunks than it holds. Called from the loop, at most once a turn.
    void (*room)(void *arg);
    // The zygote died or executors can't be forked: the worker can't go on.
    void (*broken)(void *arg, int code, const char *text);
};

// Forks nothing itself: asks the zygote, which was forked before any loop or context. Must be
// called from a task of the running loop. Executors are started as chunks come, up to `slots`.
int pool_new(struct zygote *zygote, uint32_t slots, const struct pool_callbacks *callbacks,
             void *arg, struct pool **ret, struct err *err);
// Defines a step; chunks of it follow. The bytes are pipelines/plan.h's packed step; checked here.
int pool_define(struct pool *pool, uint64_t job, uint32_t step, const void *packed, size_t len,
                struct err *err);
void pool_forget(struct pool *pool, uint64_t job);
// Takes a lease in: copies what it needs. Chunks queue inside; see pool_held.
int pool_add(struct pool *pool, const struct lease *lease);
// Chunks taken in and not begun / running now.
uint32_t pool_held(const struct pool *pool);
uint32_t pool_running(const struct pool *pool);
// Mean run time of recent chunks in ns; 0: none yet. The agent sizes its credit by it.
int64_t pool_mean_run_ns(const struct pool *pool);
// Gives up what has not begun: calls `back` for each run of chunks that leaves.
void pool_return_queued(struct pool *pool, uint64_t job, bool all_jobs,
                        void (*back)(void *arg, const struct msg_return *run), void *arg);
// Ends running chunks of a job: TERM, 5 s later KILL, to their process groups; or KILL at once.
// Each still ends with a result callback (OUTCOME_CANCELLED).
void pool_cancel(struct pool *pool, uint64_t job, bool kill_now);
// Ends all executors and their commands and waits for it; suspends at most about 6 s.
void pool_stop(struct pool *pool);
struct pool *pool_free(struct pool *pool);
