#include "async/operators/stream.h"

#include <errno.h>
#include <stdlib.h>

#include "async/operators/chan.h"
#include "async/operators/internal.h"
#include "base/cleanup.h"
#include "base/clock.h"

int stream_refuse(const struct stream *s)
{
    return s->state == STREAM_BUSY ? -EBUSY : s->code;
}

int stream_finish(struct stream *s, int code)
{
    s->state = STREAM_OVER;
    s->code = code == -ETIMEDOUT ? -ECANCELED : code;
    return code;
}

int stream_no_item(struct stream *s, int r)
{
    if (s->state == STREAM_OVER || r == -ETIMEDOUT || (r < 0 && task_check() < 0))
        return r; // the consumer's; were it the stream's own too, it would come again
    return stream_finish(s, r);
}

int stream_next_patiently(struct stream *s, void **ret)
{
    int r;
    do
        r = stream_next(s, ret);
    while (r == -ETIMEDOUT && task_check() == 0);
    return r;
}

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

// One shape for all operators of one input: a function, a count.
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
};

static void derived_close(struct stream *s)
{
    struct derived *o = container_of(s, struct derived, stream);
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

static int map_next(struct stream *s, void **ret)
{
    struct derived *o = container_of(s, struct derived, stream);
    void *item;
    int r = stream_next(o->in, &item);
    if (r != 1)
        return r;
    r = o->map(item, ret, o->arg);
    return r < 0 ? r : 1;
}

struct stream *stream_map(struct stream *in, stream_map_fn *fn, void *arg, void (*drop)(void *))
{
    static const struct stream_ops ops = {map_next, derived_close};
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
    struct derived *o = container_of(s, struct derived, stream);
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
    return r;
}

struct stream *stream_filter(struct stream *in, int (*keep)(const void *item, void *arg), void *arg)
{
    static const struct stream_ops ops = {filter_next, derived_close};
    struct derived *o = in ? derived_new(in, &ops) : NULL;
    if (!o)
        return NULL;
    o->keep = keep;
    o->arg = arg;
    return &o->stream;
}

// Nothing more will be asked of the input, so its resources need not wait for our own end.
static void take_is_done(struct derived *o)
{
    stream_finish(&o->stream, 0);
    stream_close(take(o->in));
}

static int take_next(struct stream *s, void **ret)
{
    struct derived *o = container_of(s, struct derived, stream);
    int r = stream_next(o->in, ret);
    if (r == 1 && --o->left == 0)
        take_is_done(o);
    return r;
}

struct stream *stream_take(struct stream *in, uint64_t n)
{
    static const struct stream_ops ops = {take_next, derived_close};
    struct derived *o = in ? derived_new(in, &ops) : NULL;
    if (!o)
        return NULL;
    o->left = n;
    if (n == 0)
        take_is_done(o);
    return &o->stream;
}

static int range_next(struct stream *s, void **ret)
{
    struct derived *o = container_of(s, struct derived, stream);
    if (o->at == o->left)
        return 0;
    *ret = (void *)(uintptr_t)o->at++;
    return 1;
}

struct stream *stream_range(uint64_t n)
{
    static const struct stream_ops ops = {range_next, derived_close};
    struct derived *o = derived_new(NULL, &ops);
    if (!o)
        return NULL;
    o->left = n;
    return &o->stream;
}

static int chan_next(struct stream *s, void **ret)
{
    return chan_recv(container_of(s, struct derived, stream)->chan, ret);
}

struct stream *stream_from_chan(struct chan *c)
{
    static const struct stream_ops ops = {chan_next, derived_close};
    struct derived *o = derived_new(NULL, &ops);
    if (!o)
        return NULL;
    o->chan = c;
    return &o->stream;
}

static int timeout_next(struct stream *s, void **ret)
{
    struct derived *o = container_of(s, struct derived, stream);
    struct scope scope;
    scope_enter_idle(&scope, clock_after(loop_now(), o->timeout_ns));
    int r = stream_next(o->in, ret);
    scope_leave(&scope);
    return r; // an item that came with the deadline came
}

struct stream *stream_timeout(struct stream *in, int64_t ns)
{
    static const struct stream_ops ops = {timeout_next, derived_close};
    struct derived *o = in ? derived_new(in, &ops) : NULL;
    if (!o)
        return NULL;
    o->timeout_ns = ns;
    return &o->stream;
}
