// Operators of the C interface: those of async/operators, over items. Each owns its inputs. The
// functions of the program run in the caller's thread.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "async/operators/batch.h"
#include "base/clock.h"
#include "client/fm.h"

#define INPUTS_MAX 64

static int keep_item(void *in, void **ret, void *arg)
{
    (void)arg;
    *ret = fm_item_keep(in);
    return *ret ? 0 : -ENOMEM;
}

// Items that will wait for others.
static struct stream *kept(struct stream *in)
{
    return stream_map(in, keep_item, NULL, fm_item_drop);
}

static int group_items(void *in, void **ret, void *arg)
{
    (void)arg;
    *ret = fm_item_of_batch(in);
    return *ret ? 0 : -ENOMEM;
}

static struct stream *grouped(struct stream *batches)
{
    return stream_map(batches, group_items, NULL, fm_item_drop);
}

// ---- one input: its handle goes on as that of the new stream

static struct fm_function *call_new(struct fm_stream *s)
{
    struct fm_function *call = calloc(1, sizeof(*call));
    if (!call) {
        fm_stream_close(s);
        fm_failf(-ENOMEM, "out of memory");
        return NULL;
    }
    call->stream = s;
    SLIST_INSERT_HEAD(&s->functions, call, entry);
    return call;
}

// The stream goes on as `made`, which is written in terms of what it was until now.
#define GOES_ON_AS(in, made)                                                                       \
    ({                                                                                             \
        struct visit visit_;                                                                       \
        visit_begin(&visit_, (in)->client->loop);                                                  \
        (in)->stream = (made);                                                                     \
        visit_end(&visit_);                                                                        \
        fm_stream_made(in);                                                                        \
    })

static int call_map(void *in, void **ret, void *arg)
{
    const struct fm_function *call = arg;
    struct fm_item *item = in;
    int r = call->map(&item->result, call->arg);
    if (r < 0) {
        fm_item_drop(item);
        return fm_stream_fail(call->stream, r, "the function of fm_map failed (%d)", r);
    }
    *ret = item;
    return 0;
}

FM_API struct fm_stream *fm_map(struct fm_stream *in, fm_map_fn *fn, void *arg)
{
    struct fm_function *call = in ? call_new(in) : NULL;
    if (!call)
        return NULL;
    call->map = fn;
    call->arg = arg;
    return GOES_ON_AS(in, stream_map(in->stream, call_map, call, fm_item_drop));
}

static int call_keep(const void *item, void *arg)
{
    const struct fm_function *call = arg;
    return call->keep(&((const struct fm_item *)item)->result, call->arg);
}

FM_API struct fm_stream *fm_filter(struct fm_stream *in,
                                   int (*keep)(const struct fm_result *, void *), void *arg)
{
    struct fm_function *call = in ? call_new(in) : NULL;
    if (!call)
        return NULL;
    call->keep = keep;
    call->arg = arg;
    return GOES_ON_AS(in, stream_filter(in->stream, call_keep, call));
}

FM_API struct fm_stream *fm_take(struct fm_stream *in, uint64_t n)
{
    if (!in)
        return NULL;
    return GOES_ON_AS(in, stream_take(in->stream, n));
}

FM_API struct fm_stream *fm_chunks(struct fm_stream *in, size_t n)
{
    if (!in)
        return NULL;
    if (n == 0) {
        fm_stream_close(in);
        fm_failf(-EINVAL, "a group has at least 1 result");
        return NULL;
    }
    return GOES_ON_AS(in, grouped(stream_batch(kept(in->stream), n, CLOCK_FOREVER)));
}

FM_API struct fm_stream *fm_within(struct fm_stream *in, double seconds)
{
    if (!in)
        return NULL;
    return GOES_ON_AS(in, stream_timeout(in->stream, seconds < 0
                                                         ? CLOCK_FOREVER
                                                         : (int64_t)(seconds * (double)NS_PER_S)));
}

// ---- several inputs

static void close_all(struct fm_stream *const *ins, size_t n)
{
    for (size_t i = 0; i < n; i++)
        fm_stream_close(ins[i]);
}

// A handle for all of them; their streams are in `ret`. NULL with words: they are closed.
static struct fm_stream *join(struct fm_stream *const *ins, size_t n,
                              struct stream *ret[INPUTS_MAX])
{
    bool all = n >= 1 && n <= INPUTS_MAX;
    if (!all)
        fm_failf(-EINVAL, "1 to %d inputs", INPUTS_MAX);
    for (size_t i = 0; i < n; i++)
        all = all && ins[i]; // fm_error() says already why it is NULL
    struct fm_stream *s = all ? fm_stream_new(ins[0]->client) : NULL;
    if (!s) {
        close_all(ins, n);
        return NULL;
    }
    struct visit visit;
    visit_begin(&visit, s->client->loop);
    for (size_t i = 0; i < n; i++)
        ret[i] = kept(fm_stream_input(s, ins[i]));
    visit_end(&visit);
    return s;
}

FM_API struct fm_stream *fm_zip(struct fm_stream *const *ins, size_t n, int strict)
{
    struct stream *streams[INPUTS_MAX];
    struct visit visit;
    struct fm_stream *s = join(ins, n, streams);
    if (!s)
        return NULL;
    visit_begin(&visit, s->client->loop);
    s->stream = grouped(stream_zip(streams, n, strict));
    visit_end(&visit);
    return fm_stream_made(s);
}

FM_API struct fm_stream *fm_merge(struct fm_stream *const *ins, size_t n)
{
    struct stream *streams[INPUTS_MAX];
    struct visit visit;
    struct fm_stream *s = join(ins, n, streams);
    if (!s)
        return NULL;
    visit_begin(&visit, s->client->loop);
    s->stream = stream_merge(streams, n, 1);
    visit_end(&visit);
    return fm_stream_made(s);
}

// ---- a fold

FM_API int fm_reduce(struct fm_stream *in,
                     int (*fn)(void *into, const struct fm_result *, void *arg), void *into,
                     void *arg)
{
    struct fm_result result;
    int r;
    if (!in)
        return fm_failf(-EINVAL, "the stream is NULL");
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
