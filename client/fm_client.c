// Connecting and disconnecting of the C interface.
#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "client/find.h"
#include "client/fm.h"
#include "transport/access.h"
#include "transport/zsock.h"

// Of the loop and of its tasks, which functions of the program run in (fm_merge, fm_pmap). Only
// what is touched costs memory.
#define STACK_BYTES ((size_t)1 << 20)

int64_t fm_deadline(double seconds)
{
    if (seconds < 0 || seconds > 1e9)
        return CLOCK_FOREVER;
    return clock_after(clock_now(), (int64_t)(seconds * (double)NS_PER_S));
}

void fm_client_adopt(struct fm_client *client, struct fm_job *job)
{
    job->client = client;
    LIST_INSERT_HEAD(&client->jobs, job, entry);
}

static int connect_any(struct fm_client *client, const struct access *access, struct err *err)
{
    struct visit visit;
    int r = -EINVAL;
    visit_begin(&visit, client->loop);
    for (size_t i = 0; i < access->n_endpoints; i++) {
        const struct link_options options = {.endpoint = access->endpoints[i], .access = access};
        r = link_open(client->transport, &options, &client->link, err);
        if (r != -EHOSTDOWN)
            break;
    }
    visit_end(&visit);
    return r;
}

FM_API int fm_connect(const char *where, struct fm_client **ret_client)
{
    const struct loop_options options = {.stack_bytes = STACK_BYTES};
    struct access access = {0};
    struct err err = {0};
    struct fm_client *client = calloc(1, sizeof(*client));
    if (!client)
        return fm_failf(-ENOMEM, "out of memory");
    int r = find_coordinator(where, NULL, &access, &err);
    if (r == 0)
        r = transport_new(&client->transport, &err);
    if (r == 0 && (r = loop_new(&options, &client->loop)) < 0)
        err_sys(&err, r, "can't start the client's loop");
    if (r == 0)
        r = connect_any(client, &access, &err);
    access_done(&access);
    if (r < 0) {
        loop_free(client->loop);
        transport_free(client->transport);
        free(client);
        return fm_fail(r, &err);
    }
    *ret_client = client;
    return 0;
}

FM_API void fm_disconnect(struct fm_client *client)
{
    struct fm_stream *s;
    struct fm_job *job;
    struct visit visit;
    if (!client)
        return;
    visit_begin(&visit, client->loop);
    while ((s = LIST_FIRST(&client->streams)))
        fm_stream_abandon(s);
    // Handles that the program still has are of no use any more, and do no harm.
    LIST_FOREACH (job, &client->jobs, entry) {
        job->feed = feed_close(job->feed);
        job->client = NULL;
    }
    link_close(client->link);
    visit_end(&visit);
    loop_free(client->loop);
    transport_free(client->transport);
    free(client);
}
<<<<<<< HEAD
=======

static void adopt(struct fm_client *client, struct fm_job *job)
{
    job->client = client;
    job->next = client->jobs;
    client->jobs = job;
}

static int orphan(void)
{
    return fm_failf(-ENOTCONN, "the job's client was disconnected");
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

// Takes the plan over.
int fm_submit_plan(struct fm_client *client, struct plan *plan, bool push, uint64_t items_per_chunk,
                   const struct fm_submit_options *options, struct fm_job **ret_job)
{
    struct fm_job *job = calloc(1, sizeof(*job));
    struct submission s = {.plan = plan};
    struct err err = {0};
    if (!job) {
        plan_free(plan);
        return fm_failf(-ENOMEM, "out of memory");
    }
    job->client = client;
    job->plan = plan;
    job->detached = options && options->detached;
    s.timeout_ns =
        options && options->timeout > 0 ? (int64_t)(options->timeout * (double)NS_PER_S) : 0;
    s.flags =
        (job->detached ? SUBMIT_DETACHED : 0) | (options && options->partial ? SUBMIT_PARTIAL : 0);
    int r = 0;
    if (push || !job->detached) {
        s.flags |= SUBMIT_FEEDS;
        r = push && job->detached
                ? err_set(&err, -EINVAL, "items can't be pushed to a detached job")
                : open_feed(job, push, items_per_chunk, &err);
    }
    s.feed = job->feed;
    if (r == 0)
        r = link_submit(client->link, &s, &job->id, clock_after(clock_now(), FM_ANSWER_NS), &err);
    if (r < 0) {
        feed_close(job->feed);
        plan_free(job->plan);
        free(job);
        return fm_fail(r, &err);
    }
    adopt(client, job);
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
            return fm_failf(-EINVAL, "a parameter is NAME=VALUE, not '%s'", *given);
        ret->list[ret->n].name = strndup(*given, (size_t)(equals - *given));
        ret->list[ret->n].value = (char *)(uintptr_t)(equals + 1);
        if (!ret->list[ret->n].name)
            return fm_failf(-ENOMEM, "out of memory");
        ret->n++;
    }
    return 0;
}

static int told(int r, const struct load_report *report)
{
    return fm_failf(r, "%.*s", (int)report->text.len,
                    report->text.len ? (const char *)report->text.data : "");
}

FM_API int fm_submit_file(struct fm_client *client, const char *path, struct fm_job **ret_job)
{
    _cleanup_(load_report_done)
    struct load_report report = {0};
    const struct load_options load = {0};
    struct plan *plan = NULL;
    int r = load_file(path, &load, &plan, &report);
    return r < 0 ? told(r, &report) : fm_submit_plan(client, plan, false, 0, NULL, ret_job);
}

FM_API int fm_submit_yaml(struct fm_client *client, const char *text, const char *directory,
                          const struct fm_submit_options *options, struct fm_job **ret_job)
{
    _cleanup_(load_report_done)
    struct load_report report = {0};
    _cleanup_(params_done)
    struct params params = {0};
    _free_ char *here = directory ? NULL : getcwd(NULL, 0);
    struct plan *plan = NULL;
    int r = read_params(options, &params);
    if (r < 0)
        return r;
    if (!directory && !here)
        return fm_failf(-errno, "the current folder: %s", strerror(errno));
    const struct load_options load = {.params = params.list, .n_params = params.n};
    r = load_text("job", directory ? directory : here, text, strlen(text), &load, &plan, &report);
    return r < 0 ? told(r, &report) : fm_submit_plan(client, plan, false, 0, options, ret_job);
}

FM_API int fm_submit(struct fm_client *client, const struct fm_spec *spec,
                     const struct fm_submit_options *options, struct fm_job **ret_job)
{
    struct fm_spec_parts parts;
    int r = fm_spec_build(spec, &parts);
    return r < 0 ? r
                 : fm_submit_plan(client, parts.plan, parts.push, parts.items_per_chunk, options,
                                  ret_job);
}

FM_API int fm_job_open(struct fm_client *client, uint64_t id, struct fm_job **ret_job)
{
    struct fm_job *job = calloc(1, sizeof(*job));
    if (!job)
        return fm_failf(-ENOMEM, "out of memory");
    *job = (struct fm_job){.id = id, .detached = true};
    adopt(client, job);
    *ret_job = job;
    return 0;
}

FM_API uint64_t fm_job_id(const struct fm_job *job)
{
    return job->id;
}

FM_API void fm_job_free(struct fm_job *job)
{
    if (!job)
        return;
    if (job->client && !job->detached && !job->stream && job->feed && !job->feed->over)
        fm_job_cancel(job, FM_CANCEL_TERM);
    for (struct fm_job **at = job->client ? &job->client->jobs : NULL; at && *at; at = &(*at)->next)
        if (*at == job) {
            *at = job->next;
            break;
        }
    feed_close(job->feed);
    plan_free(job->plan);
    free(job);
}

// ---- pushing

FM_API int fm_try_push(struct fm_job *job, const void *item, size_t size)
{
    if (!job->client)
        return orphan();
    if (!job->feed || job->feed->source)
        return fm_failf(-EINVAL, "the job's items are not pushed");
    int r = link_poll(job->client->link);
    if (r < 0)
        return fm_failf(r, "%s", link_trouble(job->client->link));
    r = feed_push(job->feed, item, size);
    return r < 0 && r != -EAGAIN ? fm_failf(r,
                                            r == -EPIPE ? "the job takes no more items"
                                                        : "an item of %zu bytes is too large",
                                            size)
                                 : r;
}

FM_API int fm_push(struct fm_job *job, const void *item, size_t size)
{
    int r;
    while ((r = fm_try_push(job, item, size)) == -EAGAIN) {
        r = link_wait(job->client->link, CLOCK_FOREVER);
        if (r < 0)
            return fm_failf(r, "%s", link_trouble(job->client->link));
    }
    return r;
}

FM_API int fm_push_end(struct fm_job *job)
{
    if (!job->feed || job->feed->source)
        return fm_failf(-EINVAL, "the job's items are not pushed");
    feed_push_end(job->feed);
    return 0;
}

// ---- ruling

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

FM_API int fm_job_cancel(struct fm_job *job, enum fm_cancel how)
{
    const struct msg_control m = {
        .verb = how == FM_CANCEL_KILL ? VERB_KILL : VERB_CANCEL, .first = job->id, .last = job->id};
    struct err err = {0};
    uint64_t n;
    if (!job->client)
        return orphan();
    int r = link_control(job->client->link, &m, &n, clock_after(clock_now(), FM_ANSWER_NS), &err);
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
    struct err err = {0};
    if (!job->client)
        return orphan();
    int r = link_query(job->client->link, &query, keep_row, &info,
                       clock_after(clock_now(), FM_ANSWER_NS), &err);
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
                                  .running = info.running,
                                  .seconds = (double)info.age_ns / (double)NS_PER_S};
    ret->end = info.phase == PHASE_ENDED ? (enum fm_job_end)(info.fate + 1) : FM_JOB_RUNNING;
    memcpy(ret->text, info.text, sizeof(ret->text));
    return 0;
}
>>>>>>> main
