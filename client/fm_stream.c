// Streams of the C interface: what all have in common, and the one that reads a job's results.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "client/fm.h"
#include "client/internal.h"

#define CLOSE_SECONDS 30.0

void fm_stream_init(struct fm_stream *s, const struct fm_stream_ops *ops)
{
    *s = (struct fm_stream){.ops = ops};
}

int fm_copy_make(const struct fm_result *from, struct fm_copy *ret)
{
    size_t error = from->error ? strlen(from->error) + 1 : 0;
    size_t errors = from->errors ? strlen(from->errors) + 1 : 0;
    size_t worker = from->worker ? strlen(from->worker) + 1 : 0;
    char *at = malloc(from->size + from->item_size + error + errors + worker + 1);
    if (!at)
        return -ENOMEM;
    *ret = (struct fm_copy){.result = *from, .memory = at};
    const struct {
        const void **field;
        size_t len;
    } parts[] = {{&ret->result.data, from->size},
                 {&ret->result.item, from->item ? from->item_size : 0},
                 {(const void **)&ret->result.error, error},
                 {(const void **)&ret->result.errors, errors},
                 {(const void **)&ret->result.worker, worker}};
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        if (!*parts[i].field)
            continue;
        if (parts[i].len)
            memcpy(at, *parts[i].field, parts[i].len);
        *parts[i].field = at;
        at += parts[i].len;
    }
    return 0;
}

void fm_copy_done(struct fm_copy *copy)
{
    free(copy->memory);
    *copy = (struct fm_copy){0};
}

static void drop_batch(struct fm_stream *s)
{
    for (size_t i = 0; i < s->n_batch; i++)
        fm_copy_done(&s->batch[i]);
    free(s->batch);
    s->batch = NULL;
    s->n_batch = 0;
}

int fm_pull(struct fm_stream *s, int64_t deadline, struct fm_result *ret)
{
    if (s->busy)
        return fm_failf(-EBUSY, "the stream has a consumer already");
    if (s->over)
        return s->code;
    s->busy = true;
    int r = s->ops->next(s, deadline, ret);
    s->busy = false;
    if (r != 1 && r != -ETIMEDOUT) {
        s->over = true;
        s->code = r;
    }
    return r;
}

static int pull(struct fm_stream *s, int64_t deadline, struct fm_result *ret)
{
    if (!s)
        return fm_failf(-EINVAL, "no stream");
    drop_batch(s);
    return fm_pull(s, deadline, ret);
}

FM_API int fm_next(struct fm_stream *s, struct fm_result *ret)
{
    return pull(s, CLOCK_FOREVER, ret);
}

FM_API int fm_next_within(struct fm_stream *s, double seconds, struct fm_result *ret)
{
    return pull(s, fm_deadline(seconds), ret);
}

FM_API int fm_next_batch(struct fm_stream *s, struct fm_result *ret, size_t max)
{
    struct fm_result one = {0};
    int64_t deadline = CLOCK_FOREVER;
    size_t n = 0;
    int r = 0;
    if (!s || max == 0)
        return fm_failf(-EINVAL, "a batch of nothing");
    drop_batch(s);
    s->batch = calloc(max, sizeof(*s->batch));
    if (!s->batch)
        return fm_failf(-ENOMEM, "out of memory");
    while (n < max && (r = fm_pull(s, deadline, &one)) == 1) {
        r = fm_copy_make(&one, &s->batch[n]);
        if (r < 0)
            break;
        s->n_batch = n + 1;
        ret[n] = s->batch[n].result;
        n++;
        deadline = 0; // what is there, and no more
    }
    return n > 0 ? (int)n : r;
}

FM_API int fm_stream_fd(struct fm_stream *s)
{
    return s ? s->ops->fd(s) : fm_failf(-EINVAL, "no stream");
}

FM_API int fm_stream_close_how(struct fm_stream *s, enum fm_cancel how, double seconds)
{
    if (!s)
        return 0;
    drop_batch(s);
    return s->ops->close(s, how, fm_deadline(seconds));
}

FM_API int fm_stream_close(struct fm_stream *s)
{
    return fm_stream_close_how(s, FM_CANCEL_TERM, CLOSE_SECONDS);
}

FM_API void fm_stream_close_ptr(struct fm_stream **s)
{
    fm_stream_close(*s);
    *s = NULL;
}

// ---- a job's results

struct job_stream {
    struct fm_stream stream;
    struct fm_job *job;
    struct results *results;
    bool stop_on_error;
    struct buf joined; // a result that came in parts
    struct buf words;  // its texts, NUL-terminated
    int poll;          // epoll of the link's descriptor and `flag`; -1: nobody asked yet
    int flag;          // eventfd: results are here
    const char *file;
    int line;
};

static void set_flag(struct job_stream *s)
{
    uint64_t one = 1;
    if (s->flag < 0)
        return;
    if (results_ready(s->results)) {
        ssize_t n = write(s->flag, &one, sizeof(one));
        (void)n; // it is set already
    } else {
        ssize_t n = read(s->flag, &one, sizeof(one));
        (void)n; // it was not set
    }
}

static void on_news(void *arg)
{
    set_flag(arg);
}

// NUL-terminated texts in s->words; offsets first, for it may move while it grows.
static int put_words(struct buf *words, const char *text, size_t len, size_t *ret_at)
{
    *ret_at = words->len;
    int r = buf_add(words, text ? text : "", text ? len : 0);
    return r < 0 ? r : buf_add(words, "", 1);
}

static int join_parts(struct job_stream *s, const struct result_record *record)
{
    buf_clear(&s->joined);
    int r = 0;
    for (size_t i = 0; i < record->n_parts && r == 0; i++)
        r = buf_add(&s->joined, record->parts[i].data, record->parts[i].len);
    return r;
}

static int make_result(struct job_stream *s, const struct result_record *record,
                       struct fm_result *ret)
{
    const struct record_entry *w = &record->head;
    size_t error = 0, errors = 0, worker = 0;
    buf_clear(&s->words);
    int r = put_words(&s->words, w->error, w->error_len, &error);
    if (r == 0)
        r = put_words(&s->words, w->stderr_text, w->stderr_len, &errors);
    if (r == 0)
        r = put_words(&s->words, w->worker, w->worker_len, &worker);
    if (r == 0 && record->n_parts > 1)
        r = join_parts(s, record);
    if (r < 0)
        return fm_failf(r, "out of memory");
    const char *words = (const char *)s->words.data;
    *ret = (struct fm_result){
        .data = record->n_parts > 1 ? (const void *)s->joined.data
                : record->n_parts   ? (const void *)record->parts[0].data
                                    : "",
        .size = (size_t)record->bytes,
        .offset = record->offset,
        .chunk = w->chunk,
        .attempt = w->attempt,
        .partial = w->partial,
        .outcome = (enum fm_outcome)w->ending.outcome,
        .code = w->ending.code,
        .error = w->error ? words + error : NULL,
        .errors = words + errors,
        .item = w->item,
        .item_size = w->item_len,
        .worker = words + worker,
        .seconds = (double)w->ending.run_ns / (double)NS_PER_S,
        .max_rss = w->ending.maxrss_bytes,
    };
    return 1;
}

static int fail_next(struct job_stream *s, int r)
{
    const char *trouble = link_trouble(s->job->client->link);
    if (r == -ETIMEDOUT)
        return r;
    if (r == -ENOENT)
        return fm_failf(r, "job %llu is not known", (unsigned long long)s->job->id);
    if (r == -ESTALE)
        return fm_failf(r, "the results asked for are not kept any more");
    if (r == -EACCES)
        return fm_failf(r, "the results of job %llu go to the one who runs it",
                        (unsigned long long)s->job->id);
    return fm_failf(r, "%s", trouble[0] ? trouble : strerror(-r));
}

static int job_next(struct fm_stream *stream, int64_t deadline, struct fm_result *ret)
{
    struct job_stream *s = (struct job_stream *)stream;
    struct result_record record = {0};
    // What came meanwhile is seen also by who does not wait.
    int r = link_poll(s->job->client->link);
    if (r == 0 || results_ready(s->results))
        r = results_next(s->results, deadline, &record);
    if (r == 1)
        r = make_result(s, &record, ret);
    else if (r < 0)
        r = fail_next(s, r);
    if (r == 1 && s->stop_on_error && ret->outcome != FM_OK)
        r = fm_failf(-EREMOTEIO, "chunk %llu failed: %s", (unsigned long long)ret->chunk,
                     ret->error ? ret->error : "");
    set_flag(s);
    return r;
}

static int add_fd(int poll, int fd)
{
    struct epoll_event event = {.events = EPOLLIN};
    return epoll_ctl(poll, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}

static int job_fd(struct fm_stream *stream)
{
    struct job_stream *s = (struct job_stream *)stream;
    if (s->poll >= 0)
        return s->poll;
    s->flag = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    s->poll = epoll_create1(EPOLL_CLOEXEC);
    int r = s->flag < 0 || s->poll < 0 ? -errno : add_fd(s->poll, s->flag);
    if (r == 0)
        r = add_fd(s->poll, zsock_fd(s->job->client->link->socket));
    if (r < 0)
        return fm_failf(r, "no descriptor: %s", strerror(-r));
    // What is there already tells no edge any more.
    link_poll(s->job->client->link);
    set_flag(s);
    return s->poll;
}

static void forget(struct job_stream *s)
{
    struct fm_client *client = s->job->client;
    for (struct fm_stream **at = &client->streams; *at; at = &(*at)->next)
        if (*at == &s->stream) {
            *at = s->stream.next;
            break;
        }
    s->job->stream = NULL;
    if (s->poll >= 0)
        close(s->poll);
    if (s->flag >= 0)
        close(s->flag);
    buf_done(&s->joined);
    buf_done(&s->words);
    free(s);
}

static int job_close(struct fm_stream *stream, enum fm_cancel how, int64_t deadline)
{
    struct job_stream *s = (struct job_stream *)stream;
    s->results->notify = NULL;
    int r =
        results_close(s->results, s->job->detached ? CANCEL_NONE : (enum cancel_mode)how, deadline);
    if (r < 0)
        fm_failf(r, "%s", r == -ETIMEDOUT ? "the job did not end in time" : strerror(-r));
    if (s->job->feed)
        s->job->feed->over = true;
    forget(s);
    return r;
}

FM_API struct fm_stream *fm_results_at(struct fm_job *job, const struct fm_stream_options *options,
                                       const char *file, int line)
{
    static const struct fm_stream_ops ops = {job_next, job_fd, job_close};
    struct job_stream *s = calloc(1, sizeof(*s));
    if (!job->client) {
        free(s);
        fm_failf(-ENOTCONN, "the job's client was disconnected");
        return NULL;
    }
    if (job->stream) {
        free(s);
        fm_failf(-EBUSY, "the job's results have a stream already");
        return NULL;
    }
    if (!s) {
        fm_failf(-ENOMEM, "out of memory");
        return NULL;
    }
    fm_stream_init(&s->stream, &ops);
    s->job = job;
    s->poll = s->flag = -1;
    s->file = file;
    s->line = line;
    s->stop_on_error = options && options->stop_on_error;
    buf_init(&s->joined, 0);
    buf_init(&s->words, 0);
    const struct results_options from = {
        .job = job->id,
        .from = options ? options->from : 0,
        .window_items = options ? options->window_items : 0,
        .window_bytes = options ? options->window_bytes : 0,
    };
    if (results_open(job->client->link, &from, &s->results) < 0) {
        free(s);
        fm_failf(-ENOMEM, "out of memory");
        return NULL;
    }
    s->results->notify = on_news;
    s->results->notify_arg = s;
    s->stream.next = job->client->streams;
    job->client->streams = &s->stream;
    job->stream = &s->stream;
    return &s->stream;
}

// What a program forgot to close, with the place where it opened it.
void fm_stream_tell_leak(const struct fm_stream *stream)
{
    const struct job_stream *s = (const struct job_stream *)stream;
    fprintf(stderr, "fanmill: a stream was not closed: opened at %s:%d\n", s->file, s->line);
}
