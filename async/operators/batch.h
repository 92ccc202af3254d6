// Several items as one: by count and time, or one from each of several streams.
#pragma once
#include "async/operators/stream.h"

struct batch {
    size_t n;
    struct batch_item {
        void *item;
        void (*drop)(void *item); // NULL: nothing to free, or it was taken
    } items[];
};

// Takes an item out: it is the caller's now.
static inline void *batch_take(struct batch *batch, size_t i)
{
    batch->items[i].drop = NULL;
    return batch->items[i].item;
}
// Drops what was not taken. Accepts NULL. It is the `drop` of the streams below.
void batch_free(void *batch);

// Batches of `n` items (>= 1); the last may be shorter. With `max_wait_ns` a batch is given as it
// is when its first item is that old, and a task of its own reads at most `n` items ahead;
// CLOCK_FOREVER: only full ones, no task. An error comes after a batch of the items before it.
struct stream *stream_batch(struct stream *in, size_t n, int64_t max_wait_ns);
// Batches with one item of each input (at least one). Ends with the shortest, and what the others
// gave beyond it is dropped; or, if `strict`, fails with -EILSEQ when another gives more.
struct stream *stream_zip(struct stream *const *ins, size_t n, bool strict);
