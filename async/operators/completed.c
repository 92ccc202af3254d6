#include <errno.h>
#include <stdlib.h>

#include "async/group.h"
#include "async/operators/internal.h"
#include "async/operators/stream.h"

struct completed;

struct runner {
    struct completed *owner;
    task_fn *fn;
    void *arg;
    struct completion outcome;
};

struct completed {
    struct stream stream;
    struct group group;
    struct waitq ready; // the consumer
    size_t n, done, given;
    bool begun;
    struct runner **order; // by completion
    struct runner runners[];
};

static int run_one(void *arg)
{
    struct runner *one = arg;
    struct completed *c = one->owner;
    one->outcome.result = one->fn(one->arg);
    c->order[c->done++] = one;
    waitq_wake_one(&c->ready);
    return 0;
}

static int begin(struct completed *c)
{
    c->begun = true;
    for (size_t i = 0; i < c->n; i++) {
        int r = group_spawn(&c->group, "completed", run_one, &c->runners[i]);
        if (r < 0) {
            group_cancel(&c->group);
            return stream_finish(&c->stream, r);
        }
    }
    return 0;
}

static int completed_next(struct stream *s, void **ret)
{
    struct completed *c = container_of(s, struct completed, stream);
    int r = task_check();
    if (r == 0 && !c->begun)
        r = begin(c);
    while (r == 0) {
        if (c->given == c->n)
            return 0;
        if (c->given < c->done) {
            *ret = &c->order[c->given++]->outcome;
            return 1;
        }
        r = waitq_wait(&c->ready);
    }
    return r;
}

static void completed_close(struct stream *s)
{
    struct completed *c = container_of(s, struct completed, stream);
    group_end(&c->group);
    free(c->order);
    free(c);
}

struct stream *stream_completed(task_fn *const *fns, void *const *args, size_t n)
{
    static const struct stream_ops ops = {completed_next, completed_close};
    struct completed *c = calloc(1, sizeof(*c) + n * sizeof(c->runners[0]));
    struct runner **order = calloc(n ? n : 1, sizeof(struct runner *));
    if (!c || !order) {
        free(c);
        free(order);
        return NULL;
    }
    c->stream.ops = &ops;
    c->n = n;
    c->order = order;
    for (size_t i = 0; i < n; i++)
        c->runners[i] = (struct runner){c, fns[i], args ? args[i] : NULL, {i, 0}};
    return &c->stream;
}
