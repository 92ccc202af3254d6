// Handles of streams in the C interface: pulling, lending, the descriptor, closing.
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "client/fm.h"

int64_t fm_deadline(double seconds)
{
    if (seconds < 0 || seconds > 1e9)
        return CLOCK_FOREVER;
    return clock_after(clock_now(), (int64_t)(seconds * (double)NS_PER_S));
}

struct fm_stream *fm_stream_new(struct fm_client *client)
{
    struct fm_stream *s = calloc(1, sizeof(*s));
    if (!s) {
        fm_failf(-ENOMEM, "out of memory");
        return NULL;
    }
    s->client = client;
    s->how = FM_CANCEL_TERM;
    s->poll = s->flag = -1;
    s->news = true;
    LIST_INSERT_HEAD(&client->streams, s, entry);
    return s;
}

static void drop_lent(struct fm_stream *s)
{
    for (size_t i = 0; i < s->n_lent; i++)
        fm_item_drop(s->lent[i]);
    s->n_lent = 0;
}

static void stream_free(struct fm_stream *s)
{
    struct fm_stream *in;
    struct fm_function *call;
    while ((in = LIST_FIRST(&s->inputs)))
        stream_free(in);
    while ((call = SLIST_FIRST(&s->functions))) {
        SLIST_REMOVE_HEAD(&s->functions, entry);
        free(call);
    }
    drop_lent(s);
    free(s->lent);
    if (s->poll >= 0)
        close(s->poll);
    if (s->flag >= 0)
        close(s->flag);
    if (s->client)
        LIST_REMOVE(s, entry);
    free(s);
}

struct fm_stream *fm_stream_made(struct fm_stream *s)
{
    if (s->stream)
        return s;
    stream_free(s);
    fm_failf(-ENOMEM, "out of memory");
    return NULL;
}

struct fm_stream *fm_stream_top(struct fm_stream *s)
{
    while (s->into)
        s = s->into;
    return s;
}

int fm_stream_fail(struct fm_stream *s, int code, const char *fmt, ...)
{
    va_list ap;
    s = fm_stream_top(s);
    va_start(ap, fmt);
    if (!s->trouble.text[0])
        err_setv(&s->trouble, code, fmt, ap);
    va_end(ap);
    return code;
}

// ---- pulling

// The flag of the descriptor.
static void show_news(struct fm_stream *s)
{
    uint64_t one = 1;
    if (s->flag < 0 || s->news == s->news_shown)
        return;
    ssize_t n = s->news ? write(s->flag, &one, sizeof(one)) : read(s->flag, &one, sizeof(one));
    (void)n; // it is so already
    s->news_shown = s->news;
}

void fm_stream_news(struct fm_stream *s)
{
    s = fm_stream_top(s);
    s->news = true;
    if (!s->stream || s->stream->state != STREAM_BUSY)
        show_news(s);
}

static int fail_pull(struct fm_stream *s, int r)
{
    if (r == -ETIMEDOUT)
        return r;
    if (s->trouble.text[0])
        return fm_fail(r, &s->trouble);
    if (r == -EBUSY)
        return fm_failf(r, "the stream has a consumer already");
    if (r == -EILSEQ)
        return fm_failf(r, "an input of fm_zip goes on after another has ended");
    return fm_failf(r, "%s", strerror(-r));
}

int fm_stream_pull(struct fm_stream *s, int64_t deadline, struct fm_item **ret)
{
    struct visit visit;
    struct scope scope;
    void *item = NULL;
    s->news = false;
    visit_begin(&visit, s->client->loop);
    scope_enter_idle(&scope, deadline);
    int r = stream_next(s->stream, &item);
    scope_leave(&scope);
    // Only when it had to give up is there nothing more until something comes.
    if (r != -ETIMEDOUT)
        s->news = true;
    show_news(s);
    visit_end(&visit);
    *ret = item;
    return r;
}

// What was lent before is taken back.
static int begin_call(struct fm_stream *s, size_t max)
{
    if (!s)
        return fm_failf(-EINVAL, "the stream is NULL");
    if (s->stream->state == STREAM_BUSY)
        return fail_pull(s, -EBUSY);
    drop_lent(s);
    if (s->lent && max == 1)
        return 0;
    struct fm_item **lent = reallocarray(s->lent, max, sizeof(struct fm_item *));
    if (!lent)
        return fm_failf(-ENOMEM, "out of memory");
    s->lent = lent;
    return 0;
}

static int lend(struct fm_stream *s, int64_t deadline, struct fm_result *ret)
{
    struct fm_item *item;
    int r = fm_stream_pull(s, deadline, &item);
    if (r != 1)
        return r;
    s->lent[s->n_lent++] = item;
    *ret = item->result;
    return 1;
}

static int next(struct fm_stream *s, int64_t deadline, struct fm_result *ret)
{
    int r = begin_call(s, 1);
    if (r < 0)
        return r;
    r = lend(s, deadline, ret);
    return r < 0 ? fail_pull(s, r) : r;
}

FM_API int fm_next(struct fm_stream *s, struct fm_result *ret)
{
    return next(s, CLOCK_FOREVER, ret);
}

FM_API int fm_next_within(struct fm_stream *s, double seconds, struct fm_result *ret)
{
    return next(s, fm_deadline(seconds), ret);
}

FM_API int fm_next_batch(struct fm_stream *s, struct fm_result *ret, size_t max)
{
    size_t n = 0;
    if (max == 0)
        return fm_failf(-EINVAL, "a batch of nothing");
    int r = begin_call(s, max);
    if (r < 0)
        return r;
    // Waits for the first; then takes what has arrived, and no more.
    while (n < max && (r = lend(s, n ? 0 : CLOCK_FOREVER, &ret[n])) == 1)
        n++;
    return n > 0 ? (int)n : r < 0 ? fail_pull(s, r) : r;
}

// ---- the descriptor

static int add_fd(int poll, int fd)
{
    struct epoll_event event = {.events = EPOLLIN};
    if (fd < 0)
        return fd;
    return epoll_ctl(poll, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}

static int open_descriptor(struct fm_stream *s)
{
    struct visit visit;
    s->flag = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    s->poll = epoll_create1(EPOLL_CLOEXEC);
    int r = s->flag < 0 || s->poll < 0 ? -errno : add_fd(s->poll, s->flag);
    visit_begin(&visit, s->client->loop);
    if (r == 0)
        r = add_fd(s->poll, visit_fd(s->client->loop));
    show_news(s);
    visit_end(&visit);
    return r;
}

FM_API int fm_stream_fd(struct fm_stream *s)
{
    if (!s)
        return fm_failf(-EINVAL, "the stream is NULL");
    if (s->poll >= 0)
        return s->poll;
    int r = open_descriptor(s);
    if (r == 0)
        return s->poll;
    if (s->poll >= 0)
        close(s->poll);
    if (s->flag >= 0)
        close(s->flag);
    s->poll = s->flag = -1;
    return fm_failf(r, "no descriptor: %s", strerror(-r));
}

// ---- closing

static void print_leaks(const struct fm_stream *s)
{
    const struct fm_stream *in;
    if (s->file)
        fprintf(stderr, "fanmill: a stream was not closed: opened at %s:%d\n", s->file, s->line);
    LIST_FOREACH (in, &s->inputs, entry)
        print_leaks(in);
}

static int close_stream(struct fm_stream *s, enum fm_cancel how, int64_t deadline)
{
    struct visit visit;
    visit_begin(&visit, s->client->loop);
    s->how = how;
    s->close_deadline = deadline;
    stream_close(s->stream);
    s->stream = NULL;
    visit_end(&visit);
    return s->closed;
}

int fm_stream_end(struct fm_stream *s, enum fm_cancel how, int64_t deadline)
{
    int r = s->client ? close_stream(s, how, deadline) : 0;
    stream_free(s);
    return r;
}

void fm_stream_abandon(struct fm_stream *s)
{
    int64_t deadline = fm_deadline(FM_CLOSE_SECONDS);
    print_leaks(s);
    if (!s->borrowed) {
        fm_stream_end(s, FM_CANCEL_TERM, deadline);
        return;
    }
    close_stream(s, FM_CANCEL_TERM, deadline);
    LIST_REMOVE(s, entry);
    s->client = NULL;
}

FM_API int fm_stream_close_how(struct fm_stream *s, enum fm_cancel how, double seconds)
{
    int r = s ? fm_stream_end(s, how, fm_deadline(seconds)) : 0;
    if (r == -ETIMEDOUT)
        return fm_failf(r, "the job did not end in time");
    return r < 0 ? fm_failf(r, "%s", strerror(-r)) : 0;
}

FM_API int fm_stream_close(struct fm_stream *s)
{
    return fm_stream_close_how(s, FM_CANCEL_TERM, FM_CLOSE_SECONDS);
}

FM_API void fm_stream_close_ptr(struct fm_stream **s)
{
    fm_stream_close(*s);
    *s = NULL;
}
