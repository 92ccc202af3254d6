#include "coordinator/job_row.h"

#include <stdio.h>
#include <string.h>

#include "coordinator/server_job.h"
#include "coordinator/shell.h"

static uint8_t fate_of(const struct server_job *job)
{
    bool was_late = job->timed_out && job->summary.fate == FATE_CANCELLED;
    return (uint8_t)(was_late ? FATE_TIMEOUT : job->summary.fate);
}

void server_job_row(const struct server_job *job, struct job_info *ret)
{
    struct job_summary s = job->summary;
    uint64_t running = 0;
    if (!job->over)
        core_job_progress(job->server->core, job->id, &s, &running);
    *ret = (struct job_info){
        .id = job->id,
        .phase = job->ended                  ? PHASE_ENDED
                 : job->over || job->discard ? PHASE_ENDING
                                             : PHASE_RUNNING,
        .fate = job->over ? fate_of(job) : FATE_COMPLETE,
        .detached = is_detached(job),
        .failed_too = job->plan->sink.failed_too,
        .created_ms = job->created_ms,
        .age_ns = job->ended ? job->took : loop_now() - job->began,
        .total = job->over      ? s.chunks
                 : job->again.n ? job->again.n
                 : job->source  ? source_total(job->source)
                                : job->attending.total,
        .chunks = s.chunks,
        .ok = s.ok,
        .failed = s.failed,
        .cancelled = s.cancelled,
        .unrun = s.unrun,
        .retries = s.retries,
        .running = running,
        .records = job->records.next,
        .first_code = s.first_code,
    };
    snprintf(ret->name, sizeof(ret->name), "%s", job->plan->name);
    memcpy(ret->owner, job->owner, sizeof(ret->owner));
    memcpy(ret->text, s.text, sizeof(ret->text));
}
