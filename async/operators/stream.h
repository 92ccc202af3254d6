// Streams: async iterators. next() is a plain function that may suspend; nothing is made before it
// is asked for. One consumer each.
//
//     while ((r = stream_next(s, &item)) == 1)
//         use(item);                      // item is ours; r: 0 at the end, < 0 an error
//     stream_close(s);                    // always once, also after a break; may suspend; frees
//
// The end stays the end, and an error stays the error, with two exceptions that lose nothing, after
// which the stream can be asked again: -ETIMEDOUT, and whatever the consumer's own cancel or
// deadline made of a next(). (A generator that was cancelled inside of an await has ended, as any
// function that returns; then -ECANCELED is what stays.)
#pragma once
#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "async/task.h"

struct stream;

struct stream_ops {
    int (*next)(struct stream *s, void **ret);
    void (*close)(struct stream *s);
};

enum stream_state {
    STREAM_IDLE,
    STREAM_BUSY, // a task is in next()
    STREAM_OVER, // every later next() returns `code`
};

struct stream {
    const struct stream_ops *ops;
    void (*drop)(void *item); // frees an item that is not taken; NULL: nothing to free
    enum stream_state state;
    int code;
};

// What is left to say when next() gave no item, or must not be called.
int stream_no_item(struct stream *s, int r);
int stream_refuse(const struct stream *s);

// -EBUSY: another task is in it, or the caller itself further up.
static inline int stream_next(struct stream *s, void **ret)
{
    if (s->state != STREAM_IDLE) {
        int refused = stream_refuse(s);
        assert(refused <= 0); // never an item
        return refused;
    }
    s->state = STREAM_BUSY;
    int r = s->ops->next(s, ret);
    if (s->state == STREAM_BUSY)
        s->state = STREAM_IDLE;
    return r == 1 ? 1 : stream_no_item(s, r);
}
// As stream_next() for a task of an operator's own, which no consumer's deadline reaches: an input
// that was only late (stream_timeout) is asked again.
int stream_next_patiently(struct stream *s, void **ret);
// Accepts NULL.
void stream_close(struct stream *s);

// The operators own their inputs and close them. When memory is out they close the inputs and
// return NULL, and every operator takes NULL for an input in the same way: a chain needs one check.

// Takes `in`, gives *ret; may suspend; < 0 ends the stream with that error (`in` is then dropped by
// the function itself).
typedef int stream_map_fn(void *in, void **ret, void *arg);
struct stream *stream_map(struct stream *in, stream_map_fn *fn, void *arg, void (*drop)(void *));
// Keeps items for which keep() is not 0; drops the others.
struct stream *stream_filter(struct stream *in, int (*keep)(const void *item, void *arg),
                             void *arg);
// The first `n` items; the input is closed as soon as they were given.
struct stream *stream_take(struct stream *in, uint64_t n);
// Numbers 0..n-1 as (void *)(uintptr_t); needs no memory per item.
struct stream *stream_range(uint64_t n);
// What comes through a channel, which the stream owns from now on.
struct chan;
struct stream *stream_from_chan(struct chan *c);
// Each next() takes at most `ns`: then -ETIMEDOUT, and the stream can be asked again.
struct stream *stream_timeout(struct stream *in, int64_t ns);

// Operators with tasks of their own, which begin with the first next() and end before close
// returns (it cancels them, and waits for them even in a task that is cancelled itself). They work
// ahead of their consumer, never further than said. They have no deadline: a stream_timeout() among
// their inputs has no effect, one over them does.

// The items of all inputs (of one kind) as they come, a task for each input, at most `buffer` (>=
// 1) items ahead. The first error of an input comes after the items before it and ends the stream.
struct stream *stream_merge(struct stream *const *ins, size_t n, size_t buffer);
// As stream_map, with up to `limit` (>= 1) calls of fn in progress, each in its own task; at most
// 2 * limit items are in flight, those not yet asked for included. Results come in the order of the
// input, or as they are ready. After an error no more is begun, and what comes after it is dropped.
struct stream *stream_pmap(struct stream *in, unsigned limit, bool ordered, stream_map_fn *fn,
                           void *arg, void (*drop)(void *));
// Runs fns[i](args[i]), each in a task (args NULL: no arguments), and gives the outcomes as they
// come: a failure is an item and stops no other. Closing early cancels the rest, so the first item
// and a close are a race. Items are struct completion, the stream's own: valid until it is closed.
struct completion {
    size_t index;
    int result;
};
struct stream *stream_completed(task_fn *const *fns, void *const *args, size_t n);
