// What is kept of jobs that have ended, and whose turn it is to be dropped.
//
// Ended jobs are kept up to so many, so many bytes and for so long, in all. At a limit the oldest
// job of the user who keeps most is dropped: a user who keeps less than an equal share loses
// nothing to the others. What was dropped or forgotten is remembered for a while, so that who asks
// for it is told. Likewise nobody's running jobs keep all others from theirs.
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>
#include <uthash.h>

#include "base/err.h"
#include "proto/limits.h"

#define KEEPER_BYTES (16ull << 30) // of records and plans of ended jobs, unless the service says
#define KEEPER_MEMORY (1ull << 30) // of these, what is in memory: plans, chunks for retry --failed
#define KEEPER_FAILED (512ull << 20) // of failed chunks, of all jobs
#define KEEPER_PLANS (256ull << 20)  // of plans of one user's running jobs
#define KEEPER_GONE_MAX 4096u        // dropped jobs that are remembered
#define KEEPER_LOOK_MAX 64u          // oldest jobs among which one without readers is preferred
#define KEEPER_DROPS 256u            // jobs dropped for their age at once

struct server;
struct server_job;

TAILQ_HEAD(job_queue, server_job);

// A user with jobs.
struct owner {
    char name[PROTO_NAME_MAX];
    uint32_t n_running;
    uint32_t n_kept;
    uint64_t plan_bytes; // of those that run
    uint64_t kept_bytes;
    uint64_t memory;       // of that
    struct job_queue kept; // oldest first
    UT_hash_handle hh;
};

enum gone_why { GONE_NEVER, GONE_FORGOTTEN, GONE_JOBS, GONE_BYTES, GONE_MEMORY, GONE_AGE };

struct gone_job {
    uint64_t id;
    int64_t at_s; // wall time
    enum gone_why why;
};

struct keeper {
    struct owner *owners;
    uint32_t n_running;
    uint32_t n_kept;
    uint64_t kept_bytes;
    uint64_t memory;
    uint64_t failed_bytes; // of failed chunks, of all jobs: redo.h
    struct gone_job *gone; // a ring of KEEPER_GONE_MAX; NULL until one is gone
    size_t next_gone;
};

void keeper_done(struct server *server);
// Counts a new job that runs. -EBUSY: the user, or all together, have too many; -ENOMEM.
int keeper_admit(struct server_job *job, struct err *err);
// Bytes of a job's that are in memory for as long as it is kept.
uint64_t keeper_memory(const struct server_job *job);
// A job has ended: it is kept from now on. May forget other jobs.
void keeper_keep(struct server_job *job);
// It is forgotten, or never began.
void keeper_lose(struct server_job *job);
// Drops what is kept for too long; true if there is more to drop.
bool keeper_check(struct server *server, int64_t now);
// Remembers why a job is gone.
void keeper_note(struct server *server, uint64_t id, enum gone_why why);
// Why there is no such job, in words.
void keeper_words(const struct server *server, uint64_t id, char *ret, size_t size);
