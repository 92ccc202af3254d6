// Jobs of the C interface: submitting, pushing, cancelling, asking.
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "client/fm.h"
#include "client/requests.h"
#include "pipelines/build/load.h"

// The library's numbers are the protocol's; the end of a job is its fate and one more.
#define SAME(public, ours) _Static_assert((int)(public) == (int)(ours), #public)
SAME(FM_CANCEL_QUEUED, CANCEL_QUEUED);
SAME(FM_CANCEL_TERM, CANCEL_RUNNING);
SAME(FM_CANCEL_KILL, CANCEL_KILL);
SAME(FM_OK, OUTCOME_OK);
SAME(FM_CANCELLED, OUTCOME_CANCELLED);
SAME(FM_JOB_COMPLETE, FATE_COMPLETE + 1);
SAME(FM_JOB_CANCELLED, FATE_CANCELLED + 1);
SAME(FM_JOB_FAILURES, FATE_FAILURES + 1);
SAME(FM_JOB_NOT_RUNNABLE, FATE_NOT_RUNNABLE + 1);
SAME(FM_JOB_SOURCE, FATE_SOURCE + 1);
SAME(FM_JOB_BROKEN, FATE_INTERNAL + 1);
SAME(FM_JOB_TIMEOUT, FATE_TIMEOUT + 1);
SAME(FM_JOB_SINK, FATE_SINK + 1);
SAME(FM_JOB_NEEDS, FATE_NEEDS + 1);
SAME(FM_JOB_ENOUGH, FATE_ENOUGH + 1);

static int orphan(void)
{
    return fm_failf(-ENOTCONN, "the job's client was disconnected");
}

static int64_t answer_deadline(void)
{
    return clock_after(loop_now(), FM_ANSWER_NS);
}

// ---- submitting

static int open_feed(struct fm_job *job, bool push, uint64_t items_per_chunk, struct err *err)
{
    struct source_reader *source = NULL;
    int r = 0;
    if (push) {
        r = feed_open_pushed(job->client->link, items_per_chunk, &job->feed);
    } else {
        r = source_open(job->plan, &source, err);
        if (r == 0)
            r = feed_open(job->client->link, job->plan, source, &job->feed);
    }
    return r < 0 && !err->text[0] ? err_sys(err, r, "the job") : r;
}

static int submit(struct fm_job *job, const struct fm_spec_parts *parts,
                  const struct fm_submit_options *options, struct err *err)
{
    struct submit_request s = {.plan = job->plan};
    int r = 0;
    if (options && options->timeout > 0)
        s.timeout_ns = (int64_t)(options->timeout * (double)NS_PER_S);
    if (job->detached)
        s.flags |= SUBMIT_DETACHED;
    if (options && options->partial)
        s.flags |= SUBMIT_PARTIAL;
    if (parts->push && job->detached)
        return err_set(err, -EINVAL, "items can't be pushed to a detached job");
    if (!job->detached) {
        s.flags |= SUBMIT_FEEDS;
        r = open_feed(job, parts->push, parts->items_per_chunk, err);
    }
    s.feed = job->feed;
    return r < 0 ? r : link_submit(job->client->link, &s, &job->id, answer_deadline(), err);
}

// Takes the plan over.
static int submit_plan(struct fm_client *client, const struct fm_spec_parts *parts,
                       const struct fm_submit_options *options, struct fm_job **ret_job)
{
    struct fm_job *job = calloc(1, sizeof(*job));
    struct visit visit;
    struct err err = {0};
    if (!job) {
        plan_free(parts->plan);
        return fm_failf(-ENOMEM, "out of memory");
    }
    job->client = client;
    job->plan = parts->plan;
    job->detached = options && options->detached;
    visit_begin(&visit, client->loop);
    int r = submit(job, parts, options, &err);
    if (r < 0)
        feed_close(job->feed);
    visit_end(&visit);
    if (r < 0) {
        plan_free(job->plan);
        free(job);
        return fm_fail(r, &err);
    }
    fm_client_adopt(client, job);
    *ret_job = job;
    return 0;
}

#define PARAMS_MAX 256

struct params {
    struct plan_pair list[PARAMS_MAX];
    size_t n;
};

static void params_done(struct params *params)
{
    for (size_t i = 0; i < params->n; i++)
        free(params->list[i].name);
}

static int read_params(const struct fm_submit_options *options, struct params *ret)
{
    const char *const *given = options ? options->params : NULL;
    for (; given && *given; given++) {
        const char *equals = strchr(*given, '=');
        if (!equals || equals == *given || ret->n == PARAMS_MAX)
            return fm_failf(-EINVAL, "a parameter must be NAME=VALUE, not '%s'", *given);
        ret->list[ret->n].name = strndup(*given, (size_t)(equals - *given));
        ret->list[ret->n].value = (char *)(uintptr_t)(equals + 1);
        if (!ret->list[ret->n].name)
            return fm_failf(-ENOMEM, "out of memory");
        ret->n++;
    }
    return 0;
}

static int fail_report(int r, const struct load_report *report)
{
    return fm_failf(r, "%.*s", (int)report->text.len,
                    report->text.len ? (const char *)report->text.data : "");
}

FM_API int fm_submit_file(struct fm_client *client, const char *path, struct fm_job **ret_job)
{
    _cleanup_(load_report_done)
    struct load_report report = {0};
    const struct load_options load = {0};
    struct fm_spec_parts parts = {0};
    int r = load_file(path, &load, &parts.plan, &report);
    return r < 0 ? fail_report(r, &report) : submit_plan(client, &parts, NULL, ret_job);
}

FM_API int fm_submit_yaml(struct fm_client *client, const char *text, const char *directory,
                          const struct fm_submit_options *options, struct fm_job **ret_job)
{
    _cleanup_(load_report_done)
    struct load_report report = {0};
    _cleanup_(params_done)
    struct params params = {0};
    _free_ char *here = directory ? NULL : getcwd(NULL, 0);
    struct fm_spec_parts parts = {0};
    int r = read_params(options, &params);
    if (r < 0)
        return r;
    if (!directory && !here)
        return fm_failf(-errno, "the current folder: %s", strerror(errno));
    const struct load_options load = {.params = params.list, .n_params = params.n};
    r = load_text("job", directory ? directory : here, text, strlen(text), &load, &parts.plan,
                  &report);
    return r < 0 ? fail_report(r, &report) : submit_plan(client, &parts, options, ret_job);
}

FM_API int fm_submit(struct fm_client *client, const struct fm_spec *spec,
                     const struct fm_submit_options *options, struct fm_job **ret_job)
{
    struct fm_spec_parts parts;
    int r = fm_spec_build(spec, &parts);
    return r < 0 ? r : submit_plan(client, &parts, options, ret_job);
}

FM_API int fm_job_open(struct fm_client *client, uint64_t id, struct fm_job **ret_job)
{
    struct fm_job *job = calloc(1, sizeof(*job));
    if (!job)
        return fm_failf(-ENOMEM, "out of memory");
    *job = (struct fm_job){.id = id, .detached = true};
    fm_client_adopt(client, job);
    *ret_job = job;
    return 0;
}

FM_API uint64_t fm_job_id(const struct fm_job *job)
{
    return job->id;
}

FM_API void fm_job_free(struct fm_job *job)
{
    struct visit visit;
    if (!job)
        return;
    if (job->client) {
        visit_begin(&visit, job->client->loop);
        if (!job->detached && !job->has_stream && job->feed && !job->feed->over)
            fm_job_cancel(job, FM_CANCEL_TERM);
        feed_close(job->feed);
        visit_end(&visit);
        LIST_REMOVE(job, entry);
    }
    plan_free(job->plan);
    free(job);
}

// ---- pushing

static int fail_push(const struct fm_job *job, int r, size_t size)
{
    const char *trouble = link_trouble(job->client->link);
    if (r == -EPIPE)
        return fm_failf(r, "the job takes no more items");
    if (r == -EMSGSIZE)
        return fm_failf(r, "an item of %zu bytes is too large", size);
    return fm_failf(r, "%s", trouble[0] ? trouble : strerror(-r));
}

static int push(struct fm_job *job, const void *item, size_t size, bool waits)
{
    struct visit visit;
    if (!job->client)
        return orphan();
    if (!job->feed || job->feed->source)
        return fm_failf(-EINVAL, "the job's items are not pushed");
    visit_begin(&visit, job->client->loop);
    int r = waits ? feed_push(job->feed, item, size) : feed_try_push(job->feed, item, size);
    if (r == -EAGAIN) {
        visit_turn(); // there may be room by now
        r = feed_try_push(job->feed, item, size);
    }
    visit_end(&visit);
    return r < 0 && r != -EAGAIN ? fail_push(job, r, size) : r;
}

FM_API int fm_try_push(struct fm_job *job, const void *item, size_t size)
{
    return push(job, item, size, false);
}

FM_API int fm_push(struct fm_job *job, const void *item, size_t size)
{
    return push(job, item, size, true);
}

FM_API int fm_push_end(struct fm_job *job)
{
    struct visit visit;
    if (!job->feed || job->feed->source)
        return fm_failf(-EINVAL, "the job's items are not pushed");
    visit_begin(&visit, job->client->loop);
    feed_push_end(job->feed);
    visit_end(&visit);
    return 0;
}

// ---- cancelling, asking

FM_API int fm_job_cancel(struct fm_job *job, enum fm_cancel how)
{
    const struct msg_control m = {
        .verb = how == FM_CANCEL_KILL ? VERB_KILL : VERB_CANCEL, .first = job->id, .last = job->id};
    struct visit visit;
    struct err err = {0};
    uint64_t n;
    if (!job->client)
        return orphan();
    visit_begin(&visit, job->client->loop);
    int r = link_control(job->client->link, &m, &n, answer_deadline(), &err);
    visit_end(&visit);
    return r < 0 ? fm_fail(r, &err) : 0;
}

static void keep_row(void *arg, const void *row)
{
    *(struct job_info *)arg = *(const struct job_info *)row;
}

FM_API int fm_job_status(struct fm_job *job, struct fm_job_status *ret)
{
    const struct msg_query query = {.what = QUERY_JOBS, .first = job->id, .last = job->id};
    struct job_info info = {0};
    struct visit visit;
    struct err err = {0};
    if (!job->client)
        return orphan();
    visit_begin(&visit, job->client->loop);
    int r = link_query(job->client->link, &query, keep_row, &info, answer_deadline(), &err);
    visit_end(&visit);
    if (r < 0)
        return fm_fail(r, &err);
    if (!info.id)
        return fm_failf(-ENOENT, "job %llu is not known", (unsigned long long)job->id);
    *ret = (struct fm_job_status){.chunks = info.chunks,
                                  .ok = info.ok,
                                  .failed = info.failed,
                                  .cancelled = info.cancelled,
                                  .unrun = info.unrun,
                                  .retries = info.retries,
                                  .running = info.leased + info.running,
                                  .seconds = (double)info.age_ns / (double)NS_PER_S};
    ret->end = info.phase == PHASE_ENDED ? (enum fm_job_end)(info.fate + 1) : FM_JOB_RUNNING;
    memcpy(ret->text, info.text, sizeof(ret->text));
    return 0;
}
