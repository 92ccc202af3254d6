#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "async/group.h"
#include "async/operators/chan.h"
#include "async/operators/internal.h"
#include "async/operators/stream.h"
#include "base/clock.h"

struct merge;

struct merge_input {
    struct merge *merge;
    struct stream *in; // NULL once it was closed
};

struct merge {
    struct stream stream;
    struct chan *chan;
    struct group group; // holds the first error of a feeder
    size_t n;
    size_t running;
    bool begun;
    struct merge_input feeders[];
};

static int feed(void *arg)
{
    struct merge_input *f = arg;
    struct merge *m = f->merge;
    void *item;
    int r;
    while ((r = stream_next_patiently(f->in, &item)) == 1) {
        r = chan_send(m->chan, item);
        if (r < 0) {
            if (m->stream.drop)
                m->stream.drop(item);
            break;
        }
    }
    stream_close(f->in);
    f->in = NULL;
    // A failure also cancels the other feeders, through the group.
    if (--m->running == 0 || r < 0)
        chan_close(m->chan);
    return r;
}

static void begin(struct merge *m)
{
    m->begun = true;
    m->running = m->n;
    for (size_t i = 0; i < m->n; i++) {
        int r = group_spawn(&m->group, "merge", feed, &m->feeders[i]);
        if (r < 0) {
            m->group.error = r;
            group_cancel(&m->group);
            chan_close(m->chan);
            return;
        }
    }
    if (!m->n)
        chan_close(m->chan);
}

int merge_next_until(struct stream *s, void **ret, int64_t deadline)
{
    struct merge *m = container_of(s, struct merge, stream);
    if (!m->begun)
        begin(m);
    int r = chan_recv_until(m->chan, ret, deadline);
    return r == 0 ? stream_finish(s, m->group.error) : r;
}

static int merge_next(struct stream *s, void **ret)
{
    return merge_next_until(s, ret, CLOCK_FOREVER);
}

static void merge_close(struct stream *s)
{
    struct merge *m = container_of(s, struct merge, stream);
    group_end(&m->group);
    for (size_t i = 0; i < m->n; i++)
        stream_close(m->feeders[i].in);
    chan_free(m->chan);
    free(m);
}

struct stream *stream_merge(struct stream *const *ins, size_t n, size_t buffer)
{
    static const struct stream_ops ops = {merge_next, merge_close};
    assert(buffer > 0);
    if (!streams_given(ins, n))
        return NULL;
    void (*drop)(void *) = n ? ins[0]->drop : NULL;
    struct merge *m = calloc(1, sizeof(*m) + n * sizeof(m->feeders[0]));
    struct chan *chan = chan_new(buffer, drop);
    if (!m || !chan) {
        free(m);
        chan_free(chan);
        streams_close(ins, n);
        return NULL;
    }
    m->stream = (struct stream){.ops = &ops, .drop = drop};
    m->chan = chan;
    m->n = n;
    for (size_t i = 0; i < n; i++)
        m->feeders[i] = (struct merge_input){m, ins[i]};
    return &m->stream;
}
