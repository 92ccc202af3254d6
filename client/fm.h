// What the files of the C interface (include/fanmill/client.h) share. Nobody else includes this.
//
// A client owns a loop (async/visit.h): each call of the interface visits it, and the loop runs
// while the call waits. Streams are those of async/operators, their items are struct fm_item; a
// struct fm_stream is the program's handle of the last one of a chain.
#pragma once
#include <stdbool.h>
#include <sys/queue.h>

#include "async/operators/stream.h"
#include "async/scope.h"
#include "async/visit.h"
#include "base/err.h"
#include "client/feed.h"
#include "client/fm_item.h"
#include "client/link.h"
#include "client/results.h"
#include "fanmill/client.h"
#include "pipelines/plan.h"

#define FM_API __attribute__((visibility("default")))
#define FM_ANSWER_NS (30 * 1000000000ll)
#define FM_CLOSE_SECONDS 30.0

struct transport;

struct fm_client {
    struct loop *loop;
    struct transport *transport;
    struct link *link;
    LIST_HEAD(, fm_stream) streams; // that the program has not closed
    LIST_HEAD(, fm_job) jobs;       // that it has not freed
};

struct fm_job {
    LIST_ENTRY(fm_job) entry; // of the client's
    struct fm_client *client; // NULL: it was disconnected
    uint64_t id;
    bool detached;
    bool has_stream;
    struct feed *feed; // NULL: not fed by us
    struct plan *plan; // the feed's source borrows it; NULL
};

// ---- fm_error.c

// Keep the words for fm_error(). Both return `code`.
int fm_fail(int code, const struct err *err);
int fm_failf(int code, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

// ---- fm_client.c

void fm_client_adopt(struct fm_client *client, struct fm_job *job);

// ---- fm_job.c

// A checked plan of a spec; the caller frees it.
struct fm_spec_parts {
    struct plan *plan;
    bool push;
    uint64_t items_per_chunk;
};
int fm_spec_build(const struct fm_spec *spec, struct fm_spec_parts *ret);

// ---- fm_stream.c

// seconds -> a deadline of the loop's clock; FM_FOREVER and other negative ones: never.
int64_t fm_deadline(double seconds);

// A function of the program in an operator.
struct fm_function {
    SLIST_ENTRY(fm_function) entry;
    struct fm_stream *stream;
    fm_map_fn *map;
    int (*keep)(const struct fm_result *result, void *arg);
    void *arg;
};

struct fm_stream {
    LIST_ENTRY(fm_stream) entry; // of the client's streams, or of another's inputs
    struct fm_client *client;    // NULL: it was disconnected while another client had the stream
    struct stream *stream;       // of struct fm_item
    struct fm_stream *into;      // the stream that this one became an input of; NULL
    bool borrowed;               // it is an input of another client's stream
    LIST_HEAD(, fm_stream) inputs;
    SLIST_HEAD(, fm_function) functions;
    const char *file; // where the program opened it, as long as its results are open; NULL
    int line;
    struct err trouble; // why next() failed
    // What the last call lent to the program.
    struct fm_item **lent;
    size_t n_lent;
    // Of fm_stream_fd(); -1: not asked for yet.
    int poll; // epoll: the loop's descriptor and the flag
    int flag; // eventfd: another next() may have something to say
    bool news;
    bool news_shown;
    // Of a close under way.
    enum fm_cancel how;
    int64_t close_deadline; // 0: not yet closing
    int closed;             // first failure
};

// A handle; `stream` is still to be set. NULL, with words: no memory.
struct fm_stream *fm_stream_new(struct fm_client *client);
// The handle, if its `stream` was made; else frees it, and returns NULL with words.
struct fm_stream *fm_stream_made(struct fm_stream *s);
// The stream that the program has of it now.
struct fm_stream *fm_stream_top(struct fm_stream *s);
// Keeps the words for when the failure gets to the program. The first ones stay. Returns `code`.
int fm_stream_fail(struct fm_stream *s, int code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
// Something came: the next fm_next_within() may have something to say.
void fm_stream_news(struct fm_stream *s);
// fm_next_within() without the lending.
int fm_stream_pull(struct fm_stream *s, int64_t deadline, struct fm_item **ret);
// Closes and frees it. 0, or why a job did not end.
int fm_stream_end(struct fm_stream *s, enum fm_cancel how, int64_t deadline);
// The client is disconnected, and the program has not closed this: prints where it was opened, and
// closes it.
void fm_stream_abandon(struct fm_stream *s);

// ---- fm_input.c

// Makes `in` an input of `s`, which closes it. NULL: no memory, and it is closed.
struct stream *fm_stream_input(struct fm_stream *s, struct fm_stream *in);
