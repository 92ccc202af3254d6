#include "async/operators/chan.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "async/task.h"
#include "async/waitq.h"
#include "base/clock.h"

struct chan {
    struct waitq senders;
    struct waitq receivers;
    void (*drop)(void *item);
    size_t capacity;
    size_t first;
    size_t len;
    bool closed;
    void *items[];
};

struct chan *chan_new(size_t capacity, void (*drop)(void *item))
{
    assert(capacity > 0);
    struct chan *c = calloc(1, sizeof(*c) + capacity * sizeof(c->items[0]));
    if (!c)
        return NULL;
    c->capacity = capacity;
    c->drop = drop;
    return c;
}

size_t chan_len(const struct chan *c)
{
    return c->len;
}

int chan_try_send(struct chan *c, void *item)
{
    if (c->closed)
        return -EPIPE;
    if (c->len == c->capacity)
        return -EAGAIN;
    size_t at = c->first + c->len++;
    c->items[at < c->capacity ? at : at - c->capacity] = item;
    waitq_wake_one(&c->receivers);
    return 0;
}

int chan_send(struct chan *c, void *item)
{
    int r = task_check();
    while (r == 0) {
        r = chan_try_send(c, item);
        if (r != -EAGAIN)
            return r;
        r = waitq_wait(&c->senders);
    }
    return r;
}

int chan_try_recv(struct chan *c, void **ret)
{
    if (!c->len)
        return c->closed ? 0 : -EAGAIN;
    *ret = c->items[c->first];
    if (++c->first == c->capacity)
        c->first = 0;
    c->len--;
    waitq_wake_one(&c->senders);
    return 1;
}

int chan_recv_until(struct chan *c, void **ret, int64_t deadline)
{
    int r = task_check();
    while (r == 0) {
        r = chan_try_recv(c, ret);
        if (r != -EAGAIN)
            return r;
        r = waitq_wait_until(&c->receivers, deadline);
    }
    return r;
}

int chan_recv(struct chan *c, void **ret)
{
    return chan_recv_until(c, ret, CLOCK_FOREVER);
}

void chan_close(struct chan *c)
{
    c->closed = true;
    waitq_wake_all(&c->senders);
    waitq_wake_all(&c->receivers);
}

void chan_free(struct chan *c)
{
    if (!c)
        return;
    assert(!c->senders.first && !c->receivers.first);
    void *item;
    while (chan_try_recv(c, &item) == 1)
        if (c->drop)
            c->drop(item);
    free(c);
}
