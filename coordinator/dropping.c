// Ended jobs: kept, and dropped when they are too many, too large or too old.
//
// In: jobs that have ended; time. Out: jobs that are forgotten to make room, which is logged and
// remembered.
#include <stdio.h>

#include "base/log.h"
#include "coordinator/keeper.h"
#include "coordinator/server_job.h"
#include "coordinator/shell.h"

static void drop(struct server_job *job, enum gone_why why)
{
    static const char *const limits[] = {[GONE_JOBS] = "keep-jobs",
                                         [GONE_BYTES] = "keep-bytes",
                                         [GONE_MEMORY] = "memory",
                                         [GONE_AGE] = "keep-age"};
    log_warn("an ended job was dropped to keep within a limit",
             "job=%llu owner=%s limit=%s bytes=%llu records=%llu", (unsigned long long)job->id,
             job->owner, limits[why], (unsigned long long)job->kept_bytes,
             (unsigned long long)job->records.next);
    keeper_note(job->server, job->id, why);
    server_job_forget(job);
}

// The oldest of the user, if possible one that nobody reads.
static struct server_job *oldest(const struct owner *owner)
{
    struct server_job *job = TAILQ_FIRST(&owner->kept);
    for (unsigned i = 0; job && i < KEEPER_LOOK_MAX; i++, job = TAILQ_NEXT(job, of_kept))
        if (LIST_EMPTY(&job->readers))
            return job;
    return TAILQ_FIRST(&owner->kept);
}

// The limit that is exceeded, or GONE_NEVER.
static enum gone_why exceeded(const struct server *server)
{
    const struct keeper *keeper = &server->keeper;
    if (keeper->n_kept > server->options.keep_jobs)
        return GONE_JOBS;
    if (keeper->kept_bytes > server->options.keep_bytes)
        return GONE_BYTES;
    return keeper->memory > KEEPER_MEMORY ? GONE_MEMORY : GONE_NEVER;
}

static uint64_t share(const struct owner *owner, enum gone_why why)
{
    return why == GONE_JOBS ? owner->n_kept : why == GONE_BYTES ? owner->kept_bytes : owner->memory;
}

static void make_room(struct server *server)
{
    for (enum gone_why why; (why = exceeded(server)) != GONE_NEVER;) {
        const struct owner *most = NULL;
        for (const struct owner *owner = server->keeper.owners; owner; owner = owner->hh.next)
            if (owner->n_kept && (!most || share(owner, why) > share(most, why)))
                most = owner;
        if (!most)
            return;
        drop(oldest(most), why);
    }
}

void keeper_keep(struct server_job *job)
{
    struct server *server = job->server;
    struct owner *owner = job->of_owner;
    if (!owner || job->is_kept)
        return;
    job->is_kept = true;
    job->kept_bytes = job->records.bytes + keeper_memory(job);
    owner->n_running--;
    owner->plan_bytes -= job->plan_bytes;
    server->keeper.n_running--;
    owner->n_kept++;
    owner->kept_bytes += job->kept_bytes;
    owner->memory += keeper_memory(job);
    server->keeper.memory += keeper_memory(job);
    server->keeper.n_kept++;
    server->keeper.kept_bytes += job->kept_bytes;
    TAILQ_INSERT_TAIL(&owner->kept, job, of_kept);
    make_room(server);
}

bool keeper_check(struct server *server, int64_t now)
{
    int64_t age = server->options.keep_age_ns;
    struct owner *owner, *next;
    unsigned n = 0;
    if (!age)
        return false;
    HASH_ITER (hh, server->keeper.owners, owner, next) {
        bool more = true; // the last job takes its owner with it
        while (more && n < KEEPER_DROPS) {
            struct server_job *job = TAILQ_FIRST(&owner->kept);
            if (!job || now - (job->began + job->took) < age)
                break;
            more = owner->n_kept > 1;
            drop(job, GONE_AGE);
            n++;
        }
    }
    return n == KEEPER_DROPS;
}
