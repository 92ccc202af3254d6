#include "async/operators/batch.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "async/operators/internal.h"
#include "base/cleanup.h"
#include "base/clock.h"

static struct batch *batch_new(size_t n)
{
    return calloc(1, sizeof(struct batch) + n * sizeof(struct batch_item));
}

static void add(struct batch *batch, void *item, void (*drop)(void *item))
{
    batch->items[batch->n++] = (struct batch_item){item, drop};
}

void batch_free(void *arg)
{
    struct batch *batch = arg;
    if (!batch)
        return;
    for (size_t i = 0; i < batch->n; i++)
        if (batch->items[i].drop)
            batch->items[i].drop(batch->items[i].item);
    free(batch);
}

struct batches {
    struct stream stream;
    struct stream *in; // a stream_merge() of one when batches are bounded in time
    size_t n;
    int64_t max_wait_ns;
    struct batch *partial; // kept when the consumer is cancelled while it waits
    int64_t deadline;      // of the partial one
};

static int next_item(struct batches *b, void **ret)
{
    if (b->max_wait_ns == CLOCK_FOREVER)
        return stream_next(b->in, ret);
    return merge_next_until(b->in, ret, b->partial->n ? b->deadline : CLOCK_FOREVER);
}

static bool is_due(const struct batches *b)
{
    return b->max_wait_ns != CLOCK_FOREVER && loop_now() >= b->deadline;
}

static int batches_next(struct stream *s, void **ret)
{
    struct batches *b = container_of(s, struct batches, stream);
    if (!b->partial)
        b->partial = batch_new(b->n);
    if (!b->partial)
        return -ENOMEM;
    while (b->partial->n < b->n) {
        void *item;
        int r = next_item(b, &item);
        if (r == 1) {
            if (!b->partial->n)
                b->deadline = clock_after(loop_now(), b->max_wait_ns);
            add(b->partial, item, b->in->drop);
            continue;
        }
        if (!b->partial->n || (r < 0 && task_check() < 0))
            return r;
        if (r == -ETIMEDOUT && !is_due(b))
            return r;
        break; // the end or the error is what the input says next time
    }
    *ret = take(b->partial);
    return 1;
}

static void batches_close(struct stream *s)
{
    struct batches *b = container_of(s, struct batches, stream);
    stream_close(b->in);
    batch_free(b->partial);
    free(b);
}

struct stream *stream_batch(struct stream *in, size_t n, int64_t max_wait_ns)
{
    static const struct stream_ops ops = {batches_next, batches_close};
    assert(n > 0);
    if (in && max_wait_ns != CLOCK_FOREVER)
        in = stream_merge(&in, 1, n);
    if (!in)
        return NULL;
    struct batches *b = calloc(1, sizeof(*b));
    if (!b) {
        stream_close(in);
        return NULL;
    }
    b->stream = (struct stream){.ops = &ops, .drop = batch_free};
    b->in = in;
    b->n = n;
    b->max_wait_ns = max_wait_ns;
    return &b->stream;
}

struct zip {
    struct stream stream;
    struct batch *partial; // kept when the consumer is cancelled while it waits
    bool strict;
    size_t n;
    struct stream *ins[];
};

// The input after those of the partial batch has ended: have all? Asked again after a timeout, it
// starts over, because ends stay.
static int check_ends(struct zip *z)
{
    int r = z->partial->n ? -EILSEQ : 0;
    for (size_t i = 1; i < z->n && r == 0; i++) {
        void *item;
        r = stream_next(z->ins[i], &item);
        if (r == 1 && z->ins[i]->drop)
            z->ins[i]->drop(item);
        if (r == 1)
            r = -EILSEQ;
    }
    return r;
}

static int zip_next(struct stream *s, void **ret)
{
    struct zip *z = container_of(s, struct zip, stream);
    if (!z->partial)
        z->partial = batch_new(z->n);
    if (!z->partial)
        return -ENOMEM;
    while (z->partial->n < z->n) {
        struct stream *in = z->ins[z->partial->n];
        void *item;
        int r = stream_next(in, &item);
        if (r != 1)
            return r == 0 && z->strict ? check_ends(z) : r;
        add(z->partial, item, in->drop);
    }
    *ret = take(z->partial);
    return 1;
}

static void zip_close(struct stream *s)
{
    struct zip *z = container_of(s, struct zip, stream);
    streams_close(z->ins, z->n);
    batch_free(z->partial);
    free(z);
}

struct stream *stream_zip(struct stream *const *ins, size_t n, bool strict)
{
    static const struct stream_ops ops = {zip_next, zip_close};
    assert(n > 0);
    if (!streams_given(ins, n))
        return NULL;
    struct zip *z = calloc(1, sizeof(*z) + n * sizeof(struct stream *));
    if (!z) {
        streams_close(ins, n);
        return NULL;
    }
    z->stream = (struct stream){.ops = &ops, .drop = batch_free};
    z->strict = strict;
    z->n = n;
    memcpy(z->ins, ins, n * sizeof(struct stream *));
    return &z->stream;
}
