// Blocks jobs that wait for other jobs, or for their release, and lets them go.
//
// In: needs and the flag of SUBMIT, the ends of jobs, hold and release. Out: EV_BLOCK and
// EV_NEED_FAILED for the core.
//
// A job that is needed was submitted before, so there are no circles. What has ended when it is
// named counts at once: it may be forgotten later.
#include "coordinator/needs.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "coordinator/attending.h"
#include "coordinator/server_job.h"
#include "coordinator/shell.h"
#include "coordinator/turn.h"

static bool ended_well(const struct server_job *job)
{
    return fate_is_whole(job->summary.fate) && !job->summary.failed;
}

static void say_failed(struct server_job *job, const struct server_job *needed)
{
    if (job->needs.failed[0])
        return;
    snprintf(job->needs.failed, sizeof(job->needs.failed),
             "not run: job %" PRIu64 " (%s), which it needs, did not end well%s%.300s", needed->id,
             needed->plan->name, needed->summary.text[0] ? ": " : "", needed->summary.text);
}

int needs_take(struct server *server, struct server_job *job, const struct msg_submit *m,
               struct err *err)
{
    struct job_needs *needs = &job->needs;
    if (m->flags & SUBMIT_HELD)
        needs->blocks |= BLOCK_HELD;
    if (!m->n_needs)
        return 0;
    needs->links = calloc(m->n_needs, sizeof(*needs->links));
    if (!needs->links)
        return err_set(err, -ENOMEM, "out of memory");
    for (uint32_t i = 0; i < m->n_needs; i++) {
        struct server_job *needed = server_job_find(server, m->needs[i].job);
        struct need_link *link = &needs->links[needs->n];
        if (!needed)
            return err_set(err, -ENOENT,
                           "there is no job %" PRIu64 " to wait for: it was never submitted, or is "
                           "forgotten",
                           m->needs[i].job);
        if (needed->ended) {
            if (!m->needs[i].any && !ended_well(needed))
                say_failed(job, needed);
            continue;
        }
        *link = (struct need_link){.waiter = job, .job = needed->id, .any = m->needs[i].any};
        LIST_INSERT_HEAD(&needed->needs.waiters, link, entry);
        needs->n++;
        needs->open++;
    }
    if (needs->open || needs->failed[0])
        needs->blocks |= BLOCK_NEEDS;
    return 0;
}

void needs_settle(struct server_job *job)
{
    if (!job->needs.failed[0])
        return;
    server_event(
        job->server,
        &(struct event){.type = EV_NEED_FAILED, .job = job->id, .need_text = job->needs.failed});
}

static void set_blocks(struct server_job *job, uint32_t blocks)
{
    if (blocks == job->needs.blocks)
        return;
    job->needs.blocks = blocks;
    server_event(job->server,
                 &(struct event){.type = EV_BLOCK, .job = job->id, .set_blocks = blocks});
    if (!blocks)
        attending_begin(job);
}

void needs_ended(struct server_job *job)
{
    struct need_link *link;
    while ((link = LIST_FIRST(&job->needs.waiters))) {
        struct server_job *waiter = link->waiter;
        LIST_REMOVE(link, entry);
        link->job = 0;
        waiter->needs.open--;
        if (waiter->ended)
            continue;
        if (!link->any && !ended_well(job)) {
            say_failed(waiter, job);
            log_info("job will not run", "job=%" PRIu64 " needs=%" PRIu64, waiter->id, job->id);
            needs_settle(waiter);
        } else if (!waiter->needs.open && !waiter->needs.failed[0]) {
            set_blocks(waiter, waiter->needs.blocks & ~(uint32_t)BLOCK_NEEDS);
        }
    }
}

void needs_drop(struct server_job *job)
{
    for (uint32_t i = 0; i < job->needs.n; i++)
        if (job->needs.links[i].job)
            LIST_REMOVE(&job->needs.links[i], entry);
    // Only when the server itself ends are there any left.
    struct need_link *link;
    while ((link = LIST_FIRST(&job->needs.waiters))) {
        LIST_REMOVE(link, entry);
        link->job = 0;
    }
    free(job->needs.links);
    job->needs.links = NULL;
    job->needs.n = 0;
}

bool job_set_held(struct server_job *job, bool held)
{
    uint32_t before = job->needs.blocks;
    if (!job->ended)
        set_blocks(job, held ? before | BLOCK_HELD : before & ~(uint32_t)BLOCK_HELD);
    return job->needs.blocks != before;
}

void needs_words(const struct server_job *job, char *ret, size_t size)
{
    size_t n = 0;
    ret[0] = '\0';
    for (uint32_t i = 0; i < job->needs.n && n < size; i++) {
        const struct need_link *link = &job->needs.links[i];
        if (link->job)
            n += (size_t)snprintf(ret + n, size - n, "%s%s%" PRIu64, n ? " " : "",
                                  link->any ? "any:" : "", link->job);
    }
}
