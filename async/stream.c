#include "async/stream.h"

#include <errno.h>
#include <stdlib.h>

#include "async/chan.h"
#include "async/internal.h"

void stream_close(struct stream *s)
{
    if (s)
        s->ops->close(s);
}

void streams_close(struct stream *const *ins, size_t n)
{
    for (size_t i = 0; i < n; i++)
        stream_close(ins[i]);
}

bool streams_given(struct stream *const *ins, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (!ins[i]) {
            streams_close(ins, n);
            return false;
        }
    }
    return true;
}

// One shape for all operators: an input, a function, a count.
struct derived {
    struct stream stream;
    struct stream *in;
    stream_map_fn *map;
    int (*keep)(const void *item, void *arg);
    void *arg;
    uint64_t left;
    uint64_t at;
    int64_t timeout_ns;
    struct chan *chan;
    int ended; // 0: goes on; 1: at its end; < 0: the final error
};

static void operator_close(struct stream *s)
{
    struct derived *o = (struct derived *)s;
    stream_close(o->in);
    chan_free(o->chan);
    free(o);
}

static struct derived *derived_new(struct stream *in, const struct stream_ops *ops)
{
    struct derived *o = calloc(1, sizeof(*o));
    if (!o) {
        stream_close(in);
        return NULL;
    }
    o->stream.ops = ops;
    o->stream.drop = in ? in->drop : NULL;
    o->in = in;
    return o;
}

static int end(struct derived *o, int r)
{
    o->ended = r ? r : 1;
    return r;
}

static int after_end(const struct derived *o)
{
    return o->ended < 0 ? o->ended : 0;
}

static int map_next(struct stream *s, void **ret)
{
    struct derived *o = (struct derived *)s;
    if (o->ended)
        return after_end(o);
    void *item;
    int r = stream_next(o->in, &item);
    if (r == 1) {
        r = o->map(item, ret, o->arg);
        if (r >= 0)
            return 1;
    }
    return end(o, r);
}

struct stream *stream_map(struct stream *in, stream_map_fn *fn, void *arg, void (*drop)(void *))
{
    static const struct stream_ops ops = {map_next, operator_close};
    struct derived *o = in ? derived_new(in, &ops) : NULL;
    if (!o)
        return NULL;
    o->map = fn;
    o->arg = arg;
    o->stream.drop = drop;
    return &o->stream;
}

static int filter_next(struct stream *s, void **ret)
{
    struct derived *o = (struct derived *)s;
    if (o->ended)
        return after_end(o);
    int r;
    void *item;
    while ((r = stream_next(o->in, &item)) == 1) {
        if (o->keep(item, o->arg)) {
            *ret = item;
            return 1;
        }
        if (s->drop)
            s->drop(item);
    }
    return end(o, r);
}

struct stream *stream_filter(struct stream *in, int (*keep)(const void *item, void *arg), void *arg)
{
    static const struct stream_ops ops = {filter_next, operator_close};
    struct derived *o = in ? derived_new(in, &ops) : NULL;
    if (!o)
        return NULL;
    o->keep = keep;
    o->arg = arg;
    return &o->stream;
}

static int take_next(struct stream *s, void **ret)
{
    struct derived *o = (struct derived *)s;
    if (o->ended)
        return after_end(o);
    int r = o->left ? stream_next(o->in, ret) : 0;
    if (r == 1 && --o->left)
        return 1;
    // Nothing more will be asked of the input, so its resources need not wait for our own end.
    stream_close(o->in);
    o->in = NULL;
    end(o, r == 1 ? 0 : r);
    return r;
}

struct stream *stream_take(struct stream *in, uint64_t n)
{
    static const struct stream_ops ops = {take_next, operator_close};
    struct derived *o = in ? derived_new(in, &ops) : NULL;
    if (!o)
        return NULL;
    o->left = n;
    return &o->stream;
}

static int range_next(struct stream *s, void **ret)
{
    struct derived *o = (struct derived *)s;
    if (o->at == o->left)
        return 0;
    *ret = (void *)(uintptr_t)o->at++;
    return 1;
}

struct stream *stream_range(uint64_t n)
{
    static const struct stream_ops ops = {range_next, operator_close};
    struct derived *o = derived_new(NULL, &ops);
    if (!o)
        return NULL;
    o->left = n;
    return &o->stream;
}

static int chan_next(struct stream *s, void **ret)
{
    return chan_recv(((struct derived *)s)->chan, ret);
}

struct stream *stream_from_chan(struct chan *c)
{
    static const struct stream_ops ops = {chan_next, operator_close};
    struct derived *o = derived_new(NULL, &ops);
    if (!o)
        return NULL;
    o->chan = c;
    return &o->stream;
}

static int timeout_next(struct stream *s, void **ret)
{
    struct derived *o = (struct derived *)s;
    if (o->ended)
        return after_end(o);
    struct scope scope;
    scope_enter(&scope, o->timeout_ns);
    int r = stream_next(o->in, ret);
    scope_leave(&scope);
    // An item that came with the deadline came.
    return r == 1 ? 1 : end(o, r);
}

struct stream *stream_timeout(struct stream *in, int64_t ns)
{
    static const struct stream_ops ops = {timeout_next, operator_close};
    struct derived *o = in ? derived_new(in, &ops) : NULL;
    if (!o)
        return NULL;
    o->timeout_ns = ns;
    return &o->stream;
}
