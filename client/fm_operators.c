// Operators: pull-driven, in the caller's thread. Each owns its inputs.
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/clock.h"
#include "client/fm.h"

#define INPUTS_MAX 64

static void *operator_new(size_t size, const struct fm_stream_ops *ops)
{
    struct fm_stream *s = calloc(1, size);
    if (s)
        fm_stream_init(s, ops);
    else
        fm_failf(-ENOMEM, "out of memory");
    return s;
}

static int close_input(struct fm_stream *in, enum fm_cancel how, int64_t deadline)
{
    if (!in)
        return 0;
    int64_t left = deadline == CLOCK_FOREVER ? -1 : deadline - clock_now();
    return fm_stream_close_how(in, how,
                               deadline == CLOCK_FOREVER ? FM_FOREVER
                               : left > 0                ? (double)left / (double)NS_PER_S
                                                         : 0);
}

static int close_all(struct fm_stream **ins, size_t n, enum fm_cancel how, int64_t deadline)
{
    int first = 0;
    for (size_t i = 0; i < n; i++) {
        int r = close_input(ins[i], how, deadline);
        ins[i] = NULL;
        if (r < 0 && first == 0)
            first = r;
    }
    return first;
}

// ---- one input

struct one {
    struct fm_stream stream;
    struct fm_stream *in;
    fm_map_fn *map;
    int (*keep)(const struct fm_result *, void *);
    void *arg;
    uint64_t left;
    int64_t within_ns;
    struct fm_copy *group;
    struct fm_result *shown;
    size_t n, size;
};

static int one_fd(struct fm_stream *s)
{
    struct one *o = (struct one *)s;
    return o->in ? fm_stream_fd(o->in) : fm_failf(-EPIPE, "the stream has ended");
}

static int one_close(struct fm_stream *s, enum fm_cancel how, int64_t deadline)
{
    struct one *o = (struct one *)s;
    int r = close_input(o->in, how, deadline);
    for (size_t i = 0; i < o->n; i++)
        fm_copy_done(&o->group[i]);
    free(o->group);
    free(o->shown);
    free(o);
    return r;
}

static int map_next(struct fm_stream *s, int64_t deadline, struct fm_result *ret)
{
    struct one *o = (struct one *)s;
    int r = fm_pull(o->in, deadline, ret);
    int mapped = r == 1 ? o->map(ret, o->arg) : 0;
    return mapped < 0 ? fm_failf(mapped, "the function of fm_map failed (%d)", mapped) : r;
}

FM_API struct fm_stream *fm_map(struct fm_stream *in, fm_map_fn *fn, void *arg)
{
    static const struct fm_stream_ops ops = {map_next, one_fd, one_close};
    struct one *o = in ? operator_new(sizeof(*o), &ops) : NULL;
    if (!o) {
        fm_stream_close(in);
        return NULL;
    }
    o->in = in;
    o->map = fn;
    o->arg = arg;
    return &o->stream;
}

static int filter_next(struct fm_stream *s, int64_t deadline, struct fm_result *ret)
{
    struct one *o = (struct one *)s;
    int r;
    while ((r = fm_pull(o->in, deadline, ret)) == 1 && !o->keep(ret, o->arg))
        ;
    return r;
}

FM_API struct fm_stream *fm_filter(struct fm_stream *in,
                                   int (*keep)(const struct fm_result *, void *), void *arg)
{
    static const struct fm_stream_ops ops = {filter_next, one_fd, one_close};
    struct one *o = in ? operator_new(sizeof(*o), &ops) : NULL;
    if (!o) {
        fm_stream_close(in);
        return NULL;
    }
    o->in = in;
    o->keep = keep;
    o->arg = arg;
    return &o->stream;
}

// The last one is copied: its stream is closed before it is handed out.
static int take_next(struct fm_stream *s, int64_t deadline, struct fm_result *ret)
{
    struct one *o = (struct one *)s;
    if (o->left == 0)
        return 0;
    int r = fm_pull(o->in, deadline, ret);
    if (r != 1 || --o->left > 0)
        return r;
    r = fm_copy_make(ret, &o->group[0]);
    if (r < 0)
        return fm_failf(r, "out of memory");
    o->n = 1;
    *ret = o->group[0].result;
    r = fm_stream_close(o->in);
    o->in = NULL;
    return r < 0 ? r : 1;
}

FM_API struct fm_stream *fm_take(struct fm_stream *in, uint64_t n)
{
    static const struct fm_stream_ops ops = {take_next, one_fd, one_close};
    struct one *o = in ? operator_new(sizeof(*o), &ops) : NULL;
    if (o)
        o->group = calloc(1, sizeof(*o->group));
    if (!o || !o->group) {
        free(o);
        fm_stream_close(in);
        return NULL;
    }
    o->in = in;
    o->left = n;
    if (n == 0) {
        fm_stream_close(o->in);
        o->in = NULL;
    }
    return &o->stream;
}

static void show_group(struct fm_copy *group, struct fm_result *shown, size_t n,
                       struct fm_result *ret)
{
    for (size_t i = 0; i < n; i++)
        shown[i] = group[i].result;
    *ret = (struct fm_result){.data = "",
                              .offset = shown[0].offset,
                              .chunk = shown[0].chunk,
                              .errors = "",
                              .worker = "",
                              .group = shown,
                              .n_group = n};
}

static int chunks_next(struct fm_stream *s, int64_t deadline, struct fm_result *ret)
{
    struct one *o = (struct one *)s;
    struct fm_result one = {0};
    int r = 1;
    if (o->n == o->size) { // what was lent before
        for (size_t i = 0; i < o->n; i++)
            fm_copy_done(&o->group[i]);
        o->n = 0;
    }
    // An error or the end comes behind what was gathered before it.
    while (o->n < o->size && (r = fm_pull(o->in, deadline, &one)) == 1) {
        r = fm_copy_make(&one, &o->group[o->n]);
        if (r < 0)
            return fm_failf(r, "out of memory");
        o->n++;
    }
    if (r == -ETIMEDOUT || o->n == 0)
        return r;
    show_group(o->group, o->shown, o->n, ret);
    if (o->n < o->size) {
        // Its input stays at its end; the next call finds nothing gathered.
        for (size_t i = o->n; i < o->size; i++)
            o->group[i] = (struct fm_copy){0};
        o->n = o->size;
    }
    return 1;
}

FM_API struct fm_stream *fm_chunks(struct fm_stream *in, size_t n)
{
    static const struct fm_stream_ops ops = {chunks_next, one_fd, one_close};
    struct one *o = in && n > 0 ? operator_new(sizeof(*o), &ops) : NULL;
    if (o) {
        o->group = calloc(n, sizeof(*o->group));
        o->shown = calloc(n, sizeof(*o->shown));
        o->size = n;
        o->in = in;
    }
    if (!o || !o->group || !o->shown) {
        if (o)
            one_close(&o->stream, FM_CANCEL_TERM, CLOCK_FOREVER);
        else
            fm_stream_close(in);
        return NULL;
    }
    return &o->stream;
}

static int within_next(struct fm_stream *s, int64_t deadline, struct fm_result *ret)
{
    struct one *o = (struct one *)s;
    int64_t own = clock_after(clock_now(), o->within_ns);
    return fm_pull(o->in, own < deadline ? own : deadline, ret);
}

FM_API struct fm_stream *fm_within(struct fm_stream *in, double seconds)
{
    static const struct fm_stream_ops ops = {within_next, one_fd, one_close};
    struct one *o = in ? operator_new(sizeof(*o), &ops) : NULL;
    if (!o) {
        fm_stream_close(in);
        return NULL;
    }
    o->in = in;
    o->within_ns = seconds < 0 ? CLOCK_FOREVER : (int64_t)(seconds * (double)NS_PER_S);
    return &o->stream;
}

// ---- several inputs

struct several {
    struct fm_stream stream;
    struct fm_stream *ins[INPUTS_MAX];
    struct fm_copy group[INPUTS_MAX];
    struct fm_result shown[INPUTS_MAX];
    bool has[INPUTS_MAX];  // zip: group[i] waits for the others
    bool lent;             // zip: the group was handed out
    bool over[INPUTS_MAX]; // merge: at its end
    size_t n;
    size_t turn; // merge: who is asked first
    bool strict;
    int poll;
};

static int several_fd(struct fm_stream *stream)
{
    struct several *s = (struct several *)stream;
    if (s->poll >= 0)
        return s->poll;
    s->poll = epoll_create1(EPOLL_CLOEXEC);
    int r = s->poll < 0 ? -errno : 0;
    for (size_t i = 0; i < s->n && r == 0; i++) {
        struct epoll_event event = {.events = EPOLLIN};
        int fd = fm_stream_fd(s->ins[i]);
        if (fd < 0 || epoll_ctl(s->poll, EPOLL_CTL_ADD, fd, &event) < 0)
            r = fd < 0 ? fd : -errno;
    }
    return r < 0 ? fm_failf(r, "no descriptor: %s", strerror(-r)) : s->poll;
}

static int several_close(struct fm_stream *stream, enum fm_cancel how, int64_t deadline)
{
    struct several *s = (struct several *)stream;
    if (s->poll >= 0)
        close(s->poll);
    int r = close_all(s->ins, s->n, how, deadline);
    for (size_t i = 0; i < s->n; i++)
        fm_copy_done(&s->group[i]);
    free(s);
    return r;
}

static struct fm_stream *several_new(struct fm_stream *const *ins, size_t n,
                                     const struct fm_stream_ops *ops)
{
    bool all = n >= 1 && n <= INPUTS_MAX;
    for (size_t i = 0; i < n; i++)
        all = all && ins[i];
    struct several *s = all ? operator_new(sizeof(*s), ops) : NULL;
    if (!all)
        fm_failf(-EINVAL, "1 to %d inputs", INPUTS_MAX);
    if (!s) {
        for (size_t i = 0; i < n; i++)
            fm_stream_close(ins[i]);
        return NULL;
    }
    memcpy(s->ins, ins, n * sizeof(*ins));
    s->n = n;
    s->poll = -1;
    return &s->stream;
}

static int zip_end(struct several *s, size_t ended)
{
    struct fm_result one = {0};
    for (size_t i = 0; i < s->n && s->strict; i++)
        if (i != ended && (s->has[i] || fm_pull(s->ins[i], CLOCK_FOREVER, &one) == 1))
            return fm_failf(-EILSEQ, "input %zu has ended, and input %zu goes on", ended, i);
    return 0;
}

static int zip_next(struct fm_stream *stream, int64_t deadline, struct fm_result *ret)
{
    struct several *s = (struct several *)stream;
    for (size_t i = 0; i < s->n && s->lent; i++) {
        fm_copy_done(&s->group[i]);
        s->has[i] = false;
    }
    s->lent = false;
    for (size_t i = 0; i < s->n; i++) {
        struct fm_result one = {0};
        if (s->has[i])
            continue;
        int r = fm_pull(s->ins[i], deadline, &one);
        if (r == 0)
            return zip_end(s, i);
        if (r == 1 && fm_copy_make(&one, &s->group[i]) < 0)
            r = fm_failf(-ENOMEM, "out of memory");
        if (r < 0)
            return r;
        s->has[i] = true;
    }
    show_group(s->group, s->shown, s->n, ret);
    s->lent = true;
    return 1;
}

FM_API struct fm_stream *fm_zip(struct fm_stream *const *ins, size_t n, int strict)
{
    static const struct fm_stream_ops ops = {zip_next, several_fd, several_close};
    struct fm_stream *s = several_new(ins, n, &ops);
    if (s)
        ((struct several *)s)->strict = strict;
    return s;
}

// Returns early now and then, so that each looks whether its coordinator is still there.
static int wait_fds(struct pollfd *fds, nfds_t n, int64_t deadline)
{
    int64_t left = deadline == CLOCK_FOREVER ? NS_PER_S : deadline - clock_now();
    if (left <= 0)
        return -ETIMEDOUT;
    if (left > NS_PER_S)
        left = NS_PER_S;
    int r = poll(fds, n, (int)((left + NS_PER_MS - 1) / NS_PER_MS));
    return r < 0 && errno != EINTR ? -errno : 0;
}

static int wait_for_any(struct several *s, int64_t deadline)
{
    struct pollfd fds[INPUTS_MAX];
    nfds_t n = 0;
    for (size_t i = 0; i < s->n; i++) {
        int fd = s->over[i] ? -1 : fm_stream_fd(s->ins[i]);
        if (fd >= 0)
            fds[n++] = (struct pollfd){.fd = fd, .events = POLLIN};
    }
    return wait_fds(fds, n, deadline);
}

static int merge_next(struct fm_stream *stream, int64_t deadline, struct fm_result *ret)
{
    struct several *s = (struct several *)stream;
    for (;;) {
        size_t ended = 0;
        for (size_t k = 0; k < s->n; k++) {
            size_t i = (s->turn + k) % s->n;
            int r = s->over[i] ? 0 : fm_pull(s->ins[i], 0, ret);
            if (r == 1)
                s->turn = i + 1;
            if (r == 1 || (r < 0 && r != -ETIMEDOUT))
                return r;
            s->over[i] = r == 0;
            ended += r == 0;
        }
        if (ended == s->n)
            return 0;
        int r = wait_for_any(s, deadline);
        if (r < 0)
            return r;
    }
}

FM_API struct fm_stream *fm_merge(struct fm_stream *const *ins, size_t n)
{
    static const struct fm_stream_ops ops = {merge_next, several_fd, several_close};
    return several_new(ins, n, &ops);
}

// ---- a fold

FM_API int fm_reduce(struct fm_stream *in,
                     int (*fn)(void *into, const struct fm_result *, void *arg), void *into,
                     void *arg)
{
    struct fm_result result;
    int r;
    if (!in)
        return fm_failf(-EINVAL, "no stream");
    while ((r = fm_next(in, &result)) == 1) {
        r = fn(into, &result, arg);
        if (r < 0) {
            fm_failf(r, "the function of fm_reduce failed (%d)", r);
            break;
        }
    }
    int closed = fm_stream_close(in);
    return r < 0 ? r : closed;
}

// ---- a parallel map on workers

struct pmap {
    struct fm_stream stream;
    struct fm_stream *in;
    struct fm_stream *out;
    struct fm_job *job;
    size_t limit;
    size_t on_their_way;
    bool in_over;
    int in_code;
    int poll;
};

// Gives the job items of the input while there is room. True when something was given or it ended.
static int feed_pmap(struct pmap *p, int64_t deadline)
{
    struct fm_result item = {0};
    int given = 0;
    while (!p->in_over && p->on_their_way < p->limit) {
        int r = fm_pull(p->in, deadline, &item);
        if (r == -ETIMEDOUT)
            return given;
        if (r != 1) {
            p->in_over = true;
            p->in_code = r;
            fm_push_end(p->job);
            return 1;
        }
        r = fm_push(p->job, item.data, item.size);
        if (r < 0)
            return r;
        p->on_their_way++;
        given = 1;
        deadline = 0;
    }
    return given;
}

static int wait_pmap(struct pmap *p, int64_t deadline)
{
    bool wants_input = !p->in_over && p->on_their_way < p->limit;
    struct pollfd fds[2] = {{.fd = fm_stream_fd(p->out), .events = POLLIN},
                            {.fd = wants_input ? fm_stream_fd(p->in) : -1, .events = POLLIN}};
    return wait_fds(fds, 2, deadline);
}

static int pmap_next(struct fm_stream *stream, int64_t deadline, struct fm_result *ret)
{
    struct pmap *p = (struct pmap *)stream;
    for (;;) {
        int r = feed_pmap(p, 0);
        if (r < 0)
            return r;
        r = fm_pull(p->out, 0, ret);
        if (r == 1 && !ret->partial)
            p->on_their_way--;
        if (r == 0)
            return p->in_code < 0 ? p->in_code : 0; // the input's error comes behind its results
        if (r != -ETIMEDOUT)
            return r;
        r = wait_pmap(p, deadline);
        if (r < 0)
            return r;
    }
}

static int pmap_fd(struct fm_stream *stream)
{
    struct pmap *p = (struct pmap *)stream;
    if (p->poll >= 0)
        return p->poll;
    struct epoll_event event = {.events = EPOLLIN};
    p->poll = epoll_create1(EPOLL_CLOEXEC);
    int fds[] = {fm_stream_fd(p->in), fm_stream_fd(p->out)};
    for (int i = 0; i < 2 && p->poll >= 0; i++)
        if (fds[i] < 0 || epoll_ctl(p->poll, EPOLL_CTL_ADD, fds[i], &event) < 0)
            return fm_failf(-EIO, "no descriptor");
    return p->poll < 0 ? fm_failf(-errno, "no descriptor") : p->poll;
}

static int pmap_close(struct fm_stream *stream, enum fm_cancel how, int64_t deadline)
{
    struct pmap *p = (struct pmap *)stream;
    int r = close_input(p->out, how, deadline);
    fm_job_free(p->job);
    int in = close_input(p->in, how, deadline);
    if (p->poll >= 0)
        close(p->poll);
    free(p);
    return r < 0 ? r : in;
}

FM_API struct fm_stream *fm_pmap(struct fm_stream *in, struct fm_client *client,
                                 const struct fm_spec *spec, size_t limit)
{
    static const struct fm_stream_ops ops = {pmap_next, pmap_fd, pmap_close};
    struct pmap *p = in ? operator_new(sizeof(*p), &ops) : NULL;
    if (!p) {
        fm_stream_close(in);
        return NULL;
    }
    p->in = in;
    p->limit = limit ? limit : 1;
    p->poll = -1;
    const struct fm_stream_options options = {.size = sizeof(options), .window_items = p->limit};
    if (fm_submit(client, spec, NULL, &p->job) == 0)
        p->out = fm_results(p->job, &options);
    if (!p->out) {
        pmap_close(&p->stream, FM_CANCEL_TERM, CLOCK_FOREVER);
        return NULL;
    }
    return &p->stream;
}
