// What the files of the C interface (include/fanmill/client.h) share. Nobody else includes this.
#pragma once
#include <stdbool.h>

#include "base/err.h"
#include "client/feed.h"
#include "client/link.h"
#include "client/results.h"
#include "fanmill/client.h"
#include "pipelines/plan.h"

#define FM_API __attribute__((visibility("default")))
#define FM_ANSWER_NS (30 * 1000000000ll)

struct transport;

struct fm_client {
    struct transport *transport;
    struct link *link;
    struct fm_stream *streams; // base streams that are open
    struct fm_job *jobs;       // not freed yet
};

struct fm_job {
    struct fm_job *next;      // of the client's
    struct fm_client *client; // NULL: it was disconnected
    uint64_t id;
    bool detached;
    struct feed *feed;        // NULL: not fed by us
    struct plan *plan;        // the feed's source borrows it; NULL
    struct fm_stream *stream; // the one that is open; NULL
};

// Deadlines are of the monotonic clock in ns.
struct fm_stream_ops {
    int (*next)(struct fm_stream *s, int64_t deadline, struct fm_result *ret);
    int (*fd)(struct fm_stream *s);
    int (*close)(struct fm_stream *s, enum fm_cancel how, int64_t deadline); // frees
};

struct fm_stream {
    const struct fm_stream_ops *ops;
    bool busy; // a call is on
    bool over; // `code` stays
    int code;
    struct fm_copy *batch; // what fm_next_batch lent
    size_t n_batch;
    struct fm_stream *next; // of the client's
};

// Keeps the words for fm_error(). Both return `code`.
int fm_fail(int code, const struct err *err);
int fm_failf(int code, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
// seconds -> deadline; FM_FOREVER and other negative ones: never.
int64_t fm_deadline(double seconds);

// A result with memory of its own.
struct fm_copy {
    struct fm_result result;
    void *memory;
};
int fm_copy_make(const struct fm_result *from, struct fm_copy *ret);
void fm_copy_done(struct fm_copy *copy);

void fm_stream_init(struct fm_stream *s, const struct fm_stream_ops *ops);
// The operator's next without the checks of the public one.
int fm_pull(struct fm_stream *s, int64_t deadline, struct fm_result *ret);
void fm_stream_tell_leak(const struct fm_stream *stream);
int fm_submit_plan(struct fm_client *client, struct plan *plan, bool push, uint64_t items_per_chunk,
                   const struct fm_submit_options *options, struct fm_job **ret_job);

struct fm_spec_parts {
    struct plan *plan;
    bool push;
    uint64_t items_per_chunk;
};
// A checked plan of the spec; the caller frees it.
int fm_spec_build(const struct fm_spec *spec, struct fm_spec_parts *ret);
