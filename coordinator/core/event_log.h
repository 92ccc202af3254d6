// What a core was given, as bytes: struct event <-> an entry of a log, so that another core can be
// given the same. docs/internals/debugging.md has the format.
//
// A log holds what the core decides by and no more. Of a plan: its steps, not its commands,
// parameters or environment. Of payloads and results: their lengths; the bytes of a result only
// where the core cuts them again for a later step. What commands wrote to standard error is left
// out; the words of failures are not.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "coordinator/core/core.h"

#define EVENT_LOG_MAGIC "fanmill events"
#define EVENT_LOG_VERSION 2u
#define EVENT_LOG_HEAD 4u   // bytes of an entry's length
#define EVENT_LOG_FIELDS 5u // of an entry: type, now, job, worker, and an array of the type's own
#define EVENT_LOG_ENTRY_MAX (32u << 20) // bytes of one entry
#define EVENT_LOG_BYTES_MAX (1u << 30)  // of an event's payloads, which are not in the log

struct event_log_writer {
    struct buf header, body; // of a result
    uint64_t *jobs;          // that have several steps; n_jobs of them
    size_t n_jobs;
};
void event_log_writer_init(struct event_log_writer *w);
void event_log_writer_done(struct event_log_writer *w);
// Both append to `out`. 0, -ENOBUFS, -ENOMEM; then nothing is appended.
int event_log_begin(struct buf *out, const struct core_options *options);
// The event as it is before core_handle() sees it.
int event_log_add(struct event_log_writer *w, const struct event *event, int64_t now,
                  struct buf *out);

// The bytes come from a file: everything is checked and bounded.
struct event_log_reader {
    const uint8_t *at, *end;
    bool cut;       // the log ends within an entry, as that of a coordinator that was killed may
    uint8_t *blank; // stands for bytes that are not in the log
    // What the last event points to.
    struct batch_reader batch;
    struct msg_register reg;
    struct result result;
    struct run run;
    struct slice bytes;
    char text[PROTO_TEXT_MAX];
};
// event_log_read.c. Borrows the bytes. -EPROTO, -ENOMEM.
int event_log_open(struct event_log_reader *r, const void *data, size_t len,
                   struct core_options *ret, struct err *err);
// 1 with an event that is valid until the next call; 0 at the end; -EPROTO, -ENOMEM. The plan of an
// EV_SUBMIT is the caller's (plan_free); all else is the reader's, or moves into the core.
int event_log_next(struct event_log_reader *r, struct event *ret, int64_t *ret_now,
                   struct err *err);
// After the core that was given the events is freed: its slices may lie here.
void event_log_close(struct event_log_reader *r);

// "SUBMIT", "FED", ...; for people.
const char *event_name(enum event_type type);
const char *action_name(enum action_type type);
