// Streams: async iterators. next() is a plain function that may suspend; nothing is made before it
// is asked for. One consumer each.
//
//     while ((r = stream_next(s, &item)) == 1)
//         use(item);                      // item is ours; r: 0 at the end, < 0 a final error
//     stream_close(s);                    // always once, also after a break; may suspend; frees
#pragma once
#include <stddef.h>
#include <stdint.h>

struct stream;

struct stream_ops {
    int (*next)(struct stream *s, void **ret);
    void (*close)(struct stream *s);
};

struct stream {
    const struct stream_ops *ops;
    void (*drop)(void *item); // frees an item nobody takes; NULL: nothing to free
};

static inline int stream_next(struct stream *s, void **ret)
{
    return s->ops->next(s, ret);
}
// Accepts NULL.
void stream_close(struct stream *s);

// The operators own their input and close it. When memory is out they close the input and return
// NULL, and every operator takes NULL for an input in the same way: a chain needs one check.

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
