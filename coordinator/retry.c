// Runs a job once more.
//
// In: VERB_RETRY and VERB_RETRY_FAILED, from requests.c. Out: a submission with a copy of the
// plan, whose source is opened again, or with the failed chunks that were kept (redo.h).
#include "coordinator/retry.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "coordinator/server_job.h"
#include "coordinator/shell.h"
#include "coordinator/submit.h"

static int copy_plan(const struct plan *plan, struct plan **ret, struct err *err)
{
    _cleanup_(buf_done)
    struct buf packed;
    buf_init(&packed, PROTO_PLAN_MAX);
    int r = plan_pack(plan, &packed);
    return r < 0 ? err_sys(err, r, "the job")
                 : plan_unpack(packed.data, packed.len, plan->partial, ret, err);
}

static int check_retry(const struct server_job *job, bool failed_only, struct err *err)
{
    unsigned long long id = job->id;
    if (!job->ended)
        return err_set(err, -EBUSY, "job %llu has not ended", id);
    if (!is_detached(job))
        return err_set(err, -EINVAL, "job %llu is not detached", id);
    if (failed_only && job->failed.is_short)
        return err_set(err, -E2BIG,
                       "more chunks of job %llu failed than are kept; retry the whole job", id);
    if (failed_only && job->failed.n == 0)
        return err_set(err, -ENOENT,
                       job->summary.failed ? "the failed chunks of job %llu belong to a later "
                                             "step; retry the whole job"
                                           : "no chunk of job %llu failed",
                       id);
    return 0;
}

int retry_job(struct client *client, struct server_job *job, bool failed_only, uint64_t *ret_id,
              struct err *err)
{
    struct server *server = job->server;
    struct msg_submit message = {.flags = job->flags & ~(uint32_t)SUBMIT_FEEDS};
    struct redo_list again = {0};
    struct submission s = {.message = &message,
                           .client = client,
                           .plan_bytes = job->plan_bytes,
                           .over_network = job->attending.over_network};
    int r = check_retry(job, failed_only, err);
    if (r == 0)
        r = copy_plan(job->plan, &s.plan, err);
    if (r < 0)
        return r;
    // Not a client's key, but unique here as the id is.
    memcpy(message.key, &server->next_job, sizeof(server->next_job));
    if (failed_only) {
        r = redo_copy(&job->failed, &again);
        s.again = &again;
    }
    if (r < 0) {
        submission_done(&s);
        return r == -ENOMEM ? err_set(err, r, "out of memory") : r;
    }
    struct server_job *next;
    r = submit_job(server, &s, &next, err);
    if (r == 0)
        *ret_id = next->id;
    return r;
}
