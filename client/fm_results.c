// The results of a job as a stream of items: the first of every chain of the C interface.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/container.h"
#include "client/fm.h"

struct job_stream {
    struct stream stream;
    struct fm_stream *handle;
    struct fm_job *job;
    struct results *results;
    bool stop_on_error;
};

static void on_news(void *arg)
{
    fm_stream_news(((struct job_stream *)arg)->handle);
}

static int fail_next(struct job_stream *s, int r)
{
    const char *trouble = link_trouble(s->job->client->link);
    unsigned long long id = s->job->id;
    if (r == -ENOENT)
        return fm_stream_fail(s->handle, r, "job %llu is not known", id);
    if (r == -ESTALE)
        return fm_stream_fail(s->handle, r, "the results asked for are no longer kept");
    if (r == -EACCES)
        return fm_stream_fail(s->handle, r,
                              "only the program that runs job %llu may read its results", id);
    return fm_stream_fail(s->handle, r, "%s", trouble[0] ? trouble : strerror(-r));
}

static int job_next(struct stream *stream, void **ret)
{
    struct job_stream *s = container_of(stream, struct job_stream, stream);
    struct result_record record;
    int r = results_next(s->results, CLOCK_FOREVER, &record);
    if (r < 0 && task_check() == 0)
        return fail_next(s, r);
    if (r != 1)
        return r;
    struct fm_item *item = fm_item_of_record(&record);
    if (!item)
        return fm_stream_fail(s->handle, -ENOMEM, "out of memory");
    if (s->stop_on_error && item->result.outcome != FM_OK) {
        r = fm_stream_fail(s->handle, -EREMOTEIO, "chunk %llu failed: %s",
                           (unsigned long long)item->result.chunk + 1,
                           item->result.error ? item->result.error : "");
        fm_item_drop(item);
        return r;
    }
    *ret = item;
    return 1;
}

// Whoever is cancelled meanwhile still waits for the job's end, within the limits of the close.
static void job_close(struct stream *stream)
{
    struct job_stream *s = container_of(stream, struct job_stream, stream);
    struct fm_stream *top = fm_stream_top(s->handle);
    struct scope shield;
    int64_t deadline = top->close_deadline ? top->close_deadline : fm_deadline(FM_CLOSE_SECONDS);
    s->results->notify = NULL;
    scope_enter_shield(&shield, CLOCK_FOREVER);
    int r = results_close(s->results, s->job->detached ? CANCEL_NONE : (enum cancel_mode)top->how,
                          deadline);
    scope_leave(&shield);
    if (r < 0 && top->closed == 0)
        top->closed = r;
    if (s->job->feed)
        feed_set_over(s->job->feed);
    s->job->has_stream = false;
    s->handle->file = NULL;
    free(s);
}

static struct stream *results_new(struct fm_job *job, const struct fm_stream_options *options,
                                  struct fm_stream *handle)
{
    static const struct stream_ops ops = {job_next, job_close};
    const struct results_options from = {
        .job = job->id,
        .from = options ? options->from : 0,
        .window_items = options ? options->window_items : 0,
        .window_bytes = options ? options->window_bytes : 0,
    };
    struct job_stream *s = calloc(1, sizeof(*s));
    if (!s || results_open(job->client->link, &from, &s->results) < 0) {
        free(s);
        return NULL;
    }
    s->stream = (struct stream){.ops = &ops, .drop = fm_item_drop};
    s->handle = handle;
    s->job = job;
    s->stop_on_error = options && options->stop_on_error;
    s->results->notify = on_news;
    s->results->notify_arg = s;
    job->has_stream = true;
    return &s->stream;
}

FM_API struct fm_stream *fm_results_at(struct fm_job *job, const struct fm_stream_options *options,
                                       const char *file, int line)
{
    struct visit visit;
    if (!job->client) {
        fm_failf(-ENOTCONN, "the job's client was disconnected");
        return NULL;
    }
    if (job->has_stream) {
        fm_failf(-EBUSY, "the job's results have a stream already");
        return NULL;
    }
    struct fm_stream *s = fm_stream_new(job->client);
    if (!s)
        return NULL;
    s->file = file;
    s->line = line;
    visit_begin(&visit, job->client->loop);
    s->stream = results_new(job, options, s);
    visit_end(&visit);
    return fm_stream_made(s);
}
