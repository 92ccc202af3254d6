// A source on the client's side: the coordinator asks for chunks (WANT) and gets them (FEED). They
// are read from a source_reader, or pushed item by item by the program.
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "async/loop.h"
#include "async/waitq.h"
#include "base/buf.h"
#include "pipelines/source/source.h"

struct link;

#define FEED_PUSHED_ITEMS 4096u // that may wait here until the coordinator asks
#define FEED_PUSHED_BYTES (8u << 20)

struct feed {
    LIST_ENTRY(feed) entry; // of the link's
    struct link *link;
    uint64_t job;                 // 0: not submitted yet; an attendant knows it beforehand
    const struct plan *plan;      // of the source
    struct source_reader *source; // owned; NULL: pushed
    uint64_t items_per_chunk;     // of pushed ones
    struct buf pushed;            // framed items that were not sent yet
    uint64_t n_pushed;
    uint64_t sent_items;
    uint64_t fed_chunks;
    uint64_t fed_bytes; // of a source of data: what its chunks hold, wherever it is read
    bool push_ended;
    bool over; // the job wants no more
    struct source_want want;
    uint64_t seq; // of the last WANT
    bool wanted;
    bool sent;  // `header` and `body` are the answer to `seq`
    bool waits; // for source_fd
    struct waitq room;
    struct buf header;
    struct buf body;
    struct watch watch;
};

// For a job that is submitted next. It owns the source from here on, also on failure; the plan of
// the source is borrowed. Parts of files that workers can't read are read here. 0, -ENOMEM.
int feed_open(struct link *link, const struct plan *plan, struct source_reader *source,
              struct feed **ret);
// For items that come by feed_push, `items_per_chunk` (>= 1) in a chunk.
int feed_open_pushed(struct link *link, uint64_t items_per_chunk, struct feed **ret);
// -EAGAIN: as many as are kept wait already; -EPIPE: the end was said, or the job wants no more;
// -EMSGSIZE: too large for an item; the link's code.
int feed_try_push(struct feed *feed, const void *item, size_t len);
// The same, but suspends instead of -EAGAIN. Or the cause of a cancel.
int feed_push(struct feed *feed, const void *item, size_t len);
// The job wants no more items: a task waiting in feed_push() gets -EPIPE.
void feed_set_over(struct feed *feed);
void feed_push_end(struct feed *feed);
// Suspends until the job wants no more. 0, the link's code, or the cause of a cancel.
int feed_wait_over(struct feed *feed);
// The number of chunks in the end, or UINT64_MAX when it is not known.
uint64_t feed_total(const struct feed *feed);
// Bytes of data given so far, and in how many chunks; 0 for a source of items.
uint64_t feed_bytes(const struct feed *feed, uint64_t *ret_chunks);
// Accepts NULL. Returns NULL.
struct feed *feed_close(struct feed *feed);
