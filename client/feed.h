// A source that is read on the client's side: the coordinator asks for chunks, and gets them.
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "async/loop.h"
#include "base/buf.h"
#include "pipelines/source.h"

struct link;

struct feed {
    struct feed *next; // of the link's
    struct link *link;
    uint64_t job;                 // 0: not submitted yet
    struct source_reader *source; // owned
    struct source_want want;
    uint64_t seq; // of the last WANT
    bool wanted;
    bool sent;  // `header` and `body` are the answer to `seq`
    bool waits; // for source_fd
    struct buf header;
    struct buf body;
    struct watch watch;
};

// For a job that is submitted next. It owns the source from here on, also on failure. 0, -ENOMEM.
int feed_open(struct link *link, struct source_reader *source, struct feed **ret);
// How many chunks there will be, or UINT64_MAX when that is not known.
uint64_t feed_total(const struct feed *feed);
// Accepts NULL. Returns NULL.
struct feed *feed_close(struct feed *feed);

// For a link outside of a loop: the descriptor that a feed waits for, or -1; and that it is ready.
int feed_waits_for(const struct link *link);
void feed_readable(struct link *link);
