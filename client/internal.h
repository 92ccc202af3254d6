// What the files of the client share. Nobody outside client/ includes this.
#pragma once
#include "async/loop.h"
#include "async/waitq.h"
#include "base/buf.h"
#include "client/feed.h"
#include "client/link.h"
#include "client/results.h"
#include "proto/client.h"
#include "proto/record.h"
#include "transport/zsock.h"

#define LINK_MESSAGES_PER_TURN 64
#define LINK_PROBE_NS (2 * 1000000000ll) // of silence, then we ask whether it is still there

enum link_state { LINK_GREETING, LINK_READY, LINK_OVER };

// A question that waits for its answer. It lives on the stack of who asks.
struct request {
    struct request *next;
    uint64_t number;
    struct buf header; // as it was sent, to be sent again after a break
    const void *body;
    size_t body_len;
    struct feed *feed; // of the job that is submitted
    bool answered;
    struct msg_answer answer;
    enum query what;
    link_row_fn *row;
    void *arg;
};

struct link {
    struct link_options options;
    char endpoint[256];
    struct zsock *socket;
    struct zconnection connection; // that WELCOME came by
    enum link_state state;
    int code; // LINK_OVER: why
    struct err trouble;
    uint8_t session[PROTO_SESSION_BYTES];
    uint64_t epoch; // 0: not greeted yet
    uint64_t next_number;
    struct request *requests;
    struct results *results;
    struct feed *feeds;
    struct batch_reader reader;
    struct buf scratch;
    struct waitq wake;
    struct timer timer;
    int64_t last_heard;
    int64_t last_asked;
};

// link.c
int64_t link_now(const struct link *link);
// Sends link->scratch as a header. What can't be sent now is lost: the coordinator asks again, or
// the link greets anew.
void link_send(struct link *link, const void *body, size_t body_len);
// The coordinator sent nonsense, or is not the one it was: the link is of no use any more.
void link_fail(struct link *link, int code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

// results.c
void results_on_records(struct results *r, struct zmessage *m, const struct records_reader *reader);
void results_on_end(struct results *r, int code, const struct job_info *job);
// Opens it again, from the first record that was not taken.
void results_reopen(struct results *r);
void results_notify(const struct results *r);
struct results *results_find(const struct link *link, uint64_t stream);

// feed.c
void feed_on_want(struct feed *feed, const struct msg_want *want);
void feed_on_fetch(struct feed *feed, const struct msg_fetch *fetch);
struct feed *feed_find(const struct link *link, uint64_t job);
