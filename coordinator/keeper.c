// Who has how much: users and their jobs, and what became of those that are gone. Dropping is in
// dropping.c.
#include "coordinator/keeper.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "coordinator/server_job.h"
#include "coordinator/shell.h"

void keeper_done(struct server *server)
{
    struct owner *owner, *next;
    HASH_ITER (hh, server->keeper.owners, owner, next) {
        HASH_DELETE(hh, server->keeper.owners, owner);
        free(owner);
    }
    free(server->keeper.gone);
}

static struct owner *find_owner(struct server *server, const char *name)
{
    struct owner *owner = NULL;
    HASH_FIND_STR(server->keeper.owners, name, owner);
    if (owner || !(owner = calloc(1, sizeof(*owner))))
        return owner;
    snprintf(owner->name, sizeof(owner->name), "%s", name);
    TAILQ_INIT(&owner->kept);
    HASH_ADD_STR(server->keeper.owners, name, owner);
    return owner;
}

static void leave_owner(struct server *server, struct owner *owner)
{
    if (owner->n_running || owner->n_kept)
        return;
    HASH_DELETE(hh, server->keeper.owners, owner);
    free(owner);
}

int keeper_admit(struct server_job *job, struct err *err)
{
    struct server *server = job->server;
    struct keeper *keeper = &server->keeper;
    struct owner *owner = find_owner(server, job->owner);
    int r = 0;
    if (!owner)
        return err_set(err, -ENOMEM, "out of memory");
    if (owner->n_running >= SERVER_JOBS_MAX)
        r = err_set(err, -EBUSY, "%u of your jobs are running or waiting already",
                    owner->n_running);
    else if (owner->n_running && owner->plan_bytes + job->plan_bytes > KEEPER_PLANS)
        r = err_set(err, -EBUSY,
                    "the plans of your running jobs would take more than %llu MiB: submit less at "
                    "once, or name files instead of listing items",
                    KEEPER_PLANS >> 20);
    else if (keeper->n_running >= SERVER_JOBS_ALL)
        r = err_set(err, -EBUSY, "%u jobs are running or waiting already", keeper->n_running);
    else if (keeper->n_running >= SERVER_JOBS_ALL - SERVER_JOBS_RESERVE &&
             owner->n_running >= SERVER_JOBS_FEW)
        r = err_set(err, -EBUSY,
                    "%u jobs are running or waiting already, %u of them yours: the last places are "
                    "for users with fewer than %u",
                    keeper->n_running, owner->n_running, SERVER_JOBS_FEW);
    if (r < 0) {
        leave_owner(server, owner);
        return r;
    }
    job->of_owner = owner;
    owner->n_running++;
    owner->plan_bytes += job->plan_bytes;
    keeper->n_running++;
    return 0;
}

void keeper_note(struct server *server, uint64_t id, enum gone_why why)
{
    struct keeper *keeper = &server->keeper;
    if (!keeper->gone)
        keeper->gone = calloc(KEEPER_GONE_MAX, sizeof(*keeper->gone));
    if (!keeper->gone)
        return;
    keeper->gone[keeper->next_gone++ % KEEPER_GONE_MAX] =
        (struct gone_job){.id = id, .at_s = time(NULL), .why = why};
}

uint64_t keeper_memory(const struct server_job *job)
{
    return job->plan_bytes + job->failed.bytes;
}

void keeper_lose(struct server_job *job)
{
    struct keeper *keeper = &job->server->keeper;
    struct owner *owner = job->of_owner;
    if (!owner)
        return;
    job->of_owner = NULL;
    if (job->is_kept) {
        TAILQ_REMOVE(&owner->kept, job, of_kept);
        owner->n_kept--;
        owner->kept_bytes -= job->kept_bytes;
        owner->memory -= keeper_memory(job);
        keeper->memory -= keeper_memory(job);
        keeper->n_kept--;
        keeper->kept_bytes -= job->kept_bytes;
    } else {
        owner->plan_bytes -= job->plan_bytes;
        owner->n_running--;
        keeper->n_running--;
    }
    leave_owner(job->server, owner);
}

static const struct gone_job *find_gone(const struct keeper *keeper, uint64_t id)
{
    for (size_t i = 0; keeper->gone && i < KEEPER_GONE_MAX; i++)
        if (keeper->gone[i].id == id)
            return &keeper->gone[i];
    return NULL;
}

void keeper_words(const struct server *server, uint64_t id, char *ret, size_t size)
{
    const struct gone_job *gone = find_gone(&server->keeper, id);
    const struct server_options *o = &server->options;
    char when[32] = "";
    char limit[64] = "";
    struct tm tm;
    if (id == 0 || id > server->next_job) {
        if (server->next_job == 0)
            snprintf(ret, size, "no such job: none was submitted");
        else
            snprintf(ret, size, "no such job: the last is %" PRIu64, server->next_job);
        return;
    }
    if (!gone) {
        snprintf(ret, size, "job %" PRIu64 " is no longer kept", id);
        return;
    }
    time_t at = (time_t)gone->at_s;
    if (localtime_r(&at, &tm))
        strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S", &tm);
    switch (gone->why) {
    case GONE_JOBS:
        snprintf(limit, sizeof(limit), "--keep-jobs %u", o->keep_jobs);
        break;
    case GONE_BYTES:
        snprintf(limit, sizeof(limit), "--keep-bytes %" PRIu64, o->keep_bytes);
        break;
    case GONE_MEMORY:
        snprintf(limit, sizeof(limit), "%llu MiB of memory for kept jobs", KEEPER_MEMORY >> 20);
        break;
    case GONE_AGE:
        snprintf(limit, sizeof(limit), "--keep-age %" PRId64 "s", o->keep_age_ns / NS_PER_S);
        break;
    default:
        snprintf(ret, size, "job %" PRIu64 " was forgotten on %s", id, when);
        return;
    }
    snprintf(ret, size, "job %" PRIu64 " was dropped on %s to make room (limit %s)", id, when,
             limit);
}
