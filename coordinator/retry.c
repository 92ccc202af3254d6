// Runs a job once more.
//
// In: VERB_RETRY and VERB_RETRY_FAILED, from requests.c. Out: a submission with a copy of the
// plan, whose source is opened again, or with the failed chunks that were kept (redo.h).
#include "coordinator/retry.h"

#include <assert.h>
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

// What the failed chunks alone can't bring in order is run as a whole.
static int refuse(const struct server_job *job, const char *why, struct err *err)
{
    return err_set(err, -EINVAL, "%s: run the whole job again (fanmill retry %llu)", why,
                   (unsigned long long)job->id);
}

static int check_failed(const struct server_job *job, struct err *err)
{
    unsigned long long id = job->id;
    const struct job_summary *s = &job->summary;
    bool writes = job->plan->sink.kind == SINK_FILE || job->plan->sink.kind == SINK_DIR;
    if (job->failed.n == 0 && s->failed == 0 && s->fate == FATE_SINK)
        return err_set(err, -ENOENT,
                       "no chunk of job %llu failed, but its sink: fanmill results %llu has its "
                       "results; mend the sink and run it again (fanmill retry %llu)",
                       id, id, id);
    if (job->failed.n == 0 && s->failed == 0)
        return err_set(err, -ENOENT, "no chunk of job %llu failed", id);
    if (job->plan->n_steps > 1)
        return refuse(job,
                      "a later step has taken in the results of the chunks, so they can't be "
                      "run alone",
                      err);
    if (job->failed.is_short)
        return refuse(job, "more of its chunks failed than are kept", err);
    if (writes && s->fate != FATE_COMPLETE && s->fate != FATE_SINK)
        return refuse(
            job, "it ended before all its chunks had run, so its sink would stay incomplete", err);
    return 0;
}

static int check_retry(const struct server_job *job, bool failed_only, struct err *err)
{
    unsigned long long id = job->id;
    if (!job->ended)
        return err_set(err, -EBUSY, "job %llu has not ended", id);
    if (!is_detached(job))
        return err_set(err, -EINVAL, "job %llu is not detached", id);
    return failed_only ? check_failed(job, err) : 0;
}

// The results that are there go into the new job's file, too.
static int keep_results(struct server_job *job, struct plan *plan, struct kept *ret,
                        struct err *err)
{
    assert(plan);
    if (plan->sink.kind != SINK_FILE)
        return 0;
    if (plan->sink.if_exists == EXISTS_APPEND)
        return refuse(job, "its file was appended to, and what was added can't be taken out of it",
                      err);
    // The file that is there is this job's own.
    plan->sink.if_exists = EXISTS_OVERWRITE;
    int r = kept_copy(&job->records, ret);
    if (r == -EFBIG || r == -ESTALE)
        return refuse(job,
                      "its good results, which belong into the file, too, are too large or not "
                      "kept any more",
                      err);
    return r < 0 ? err_sys(err, r, "its results") : 0;
}

int retry_job(struct client *client, struct server_job *job, const struct msg_control *m,
              uint64_t *ret_id, struct err *err)
{
    struct server *server = job->server;
    // Of single chunks, only what failed is kept.
    bool failed_only = m->verb == VERB_RETRY_FAILED || m->n_chunks;
    struct msg_submit message = {.flags = job->flags & ~(uint32_t)SUBMIT_FEEDS};
    struct redo_list again = {0};
    struct kept kept = {0};
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
        r = redo_copy(&job->failed, m->chunks, m->n_chunks, &again);
        redo_sort(&again);
        s.again = &again;
        s.kept = &kept;
        if (r == 0)
            r = keep_results(job, s.plan, &kept, err);
    }
    if (r == 0 && failed_only && again.n == 0)
        r = err_set(err, -ENOENT,
                    "none of these chunks of job %llu has failed; the others are not "
                    "kept: retry the whole job",
                    (unsigned long long)job->id);
    if (r < 0) {
        submission_done(&s);
        return r == -ENOMEM ? err_sys(err, r, "the job") : r;
    }
    struct server_job *next;
    r = submit_job(server, &s, &next, err);
    if (r == 0)
        *ret_id = next->id;
    return r;
}
