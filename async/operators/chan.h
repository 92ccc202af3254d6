// Channels: bounded queues between tasks. Items are pointers; the holder of one owns it.
#pragma once
#include <stddef.h>
#include <stdint.h>

struct chan;

// `drop` frees an item that is never taken; NULL: nothing to free. NULL: no memory.
struct chan *chan_new(size_t capacity, void (*drop)(void *item));
// Suspends while full. 0: the channel owns the item. -EPIPE: closed; or the cause of a cancel.
int chan_send(struct chan *c, void *item);
// -EAGAIN instead of suspending.
int chan_try_send(struct chan *c, void *item);
// Suspends while empty. 1 with an item; 0: closed and empty; or the cause of a cancel.
int chan_recv(struct chan *c, void **ret);
// -ETIMEDOUT after the deadline.
int chan_recv_until(struct chan *c, void **ret, int64_t deadline);
// -EAGAIN instead of suspending.
int chan_try_recv(struct chan *c, void **ret);
size_t chan_len(const struct chan *c);
// No more sends; what is inside can still be received. Idempotent.
void chan_close(struct chan *c);
// Drops what is left. No task may be waiting in it. Accepts NULL.
void chan_free(struct chan *c);
