#include "async/batch.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "async/internal.h"
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
    bool ended;
    int result;
};

static int next_item(struct batches *b, void **ret)
{
    if (b->max_wait_ns == CLOCK_FOREVER)
        return stream_next(b->in, ret);
    return merge_next_until(b->in, ret, b->partial->n ? b->deadline : CLOCK_FOREVER);
}

static int give(struct batches *b, void **ret)
{
    *ret = b->partial;
    b->partial = NULL;
    return 1;
}

static int batches_next(struct stream *s, void **ret)
{
    struct batches *b = (struct batches *)s;
    if (b->ended)
        return b->result;
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
        if (r < 0 && task_check() < 0)
            return r; // the consumer's; were it the input's too, it would come again
        if (r == -ETIMEDOUT && b->partial->n && b->max_wait_ns != CLOCK_FOREVER &&
            loop_now() >= b->deadline)
            break;
        b->ended = true;
        b->result = r;
        if (!b->partial->n)
            return r;
        break;
    }
    return give(b, ret);
}

static void batches_close(struct stream *s)
{
    struct batches *b = (struct batches *)s;
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
    b->stream = (struct stream){&ops, batch_free};
    b->in = in;
    b->n = n;
    b->max_wait_ns = max_wait_ns;
    return &b->stream;
}

struct zip {
    struct stream stream;
    struct batch *partial; // kept when the consumer is cancelled while it waits
    bool ended;
    int result;
    size_t n;
    struct stream *ins[];
};

static int zip_next(struct stream *s, void **ret)
{
    struct zip *z = (struct zip *)s;
    if (z->ended)
        return z->result;
    if (!z->partial)
        z->partial = batch_new(z->n);
    if (!z->partial)
        return -ENOMEM;
    while (z->partial->n < z->n) {
        struct stream *in = z->ins[z->partial->n];
        void *item;
        int r = stream_next(in, &item);
        if (r < 0 && task_check() < 0)
            return r;
        if (r != 1) {
            z->ended = true;
            z->result = r;
            return r;
        }
        add(z->partial, item, in->drop);
    }
    *ret = z->partial;
    z->partial = NULL;
    return 1;
}

static void zip_close(struct stream *s)
{
    struct zip *z = (struct zip *)s;
    streams_close(z->ins, z->n);
    batch_free(z->partial);
    free(z);
}

struct stream *stream_zip(struct stream *const *ins, size_t n)
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
    z->stream = (struct stream){&ops, batch_free};
    z->n = n;
    for (size_t i = 0; i < n; i++)
        z->ins[i] = ins[i];
    return &z->stream;
}
