// A job's records as a stream: pulled one by one, with credit in items and bytes.
//
//     while ((n = results_next(r, CLOCK_FOREVER, &record)) == 1)
//         use(record);              // valid until the next call
//     results_close(r, CANCEL_RUNNING, deadline);
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "async/waitq.h"
#include "base/slice.h"
#include "proto/client.h"
#include "proto/record.h"

struct arrival;
struct link;

struct results_options {
    uint64_t job;
    uint64_t from;         // offset of the first record wanted
    uint64_t window_items; // records that may be on their way or here, not taken; 0: 1024
    uint64_t window_bytes; // result bytes likewise; 0: 64 MiB
};

// One record. Everything in it is borrowed until the next call for the stream, but a count of
// `frame` keeps what `head` points to, and one of each part its bytes.
struct result_record {
    uint64_t offset;
    struct record_entry head; // `more` is false; `body` is not set
    struct slab *frame;
    const struct slice *parts;
    size_t n_parts;
    const struct slice *errors; // all of standard error
    size_t n_errors;
    uint64_t bytes; // of the result
};

struct results {
    LIST_ENTRY(results) entry; // of the link's
    struct link *link;
    struct results_options options;
    uint64_t stream;
    uint64_t at;                     // offset of the next record to hand out
    uint64_t granted_at;             // `at` when credit was given last
    uint64_t bytes;                  // taken since OPEN
    uint64_t granted_bytes;          // of them, when credit was given last
    STAILQ_HEAD(, arrival) arrivals; // RECORDS, oldest first
    struct records_reader reader;    // of the oldest
    bool reading;
    struct slice *parts; // of the record that is handed out or put together
    size_t n_parts;
    struct slice *errors; // likewise, of standard error
    size_t n_errors;
    uint64_t part_bytes;
    bool whole; // the parts are a record that was handed out
    struct waitq news;
    // Called when something came for it, or the link is over. Optional; set by the owner.
    void (*notify)(void *arg);
    void *notify_arg;
    bool ended; // END came
    bool closing;
    int code;
    struct job_info job;
};

// Sends OPEN and the first credit; nothing is waited for. 0, -ENOMEM.
int results_open(struct link *link, const struct results_options *options, struct results **ret);
// 1 with a record; 0 at the end; -ETIMEDOUT at the deadline, and nothing is lost; -ENOENT, -EACCES,
// -EBUSY, -ESTALE as the coordinator said; -ECANCELED once closed; the link's code; the cause of a
// cancel, and nothing is lost. An error comes after all records before it, and stays. Suspends.
int results_next(struct results *r, int64_t deadline, struct result_record *ret);
// True when results_next would not suspend.
bool results_ready(const struct results *r);
// The job's last row, once results_next gave 0 or an error.
const struct job_info *results_job(const struct results *r);
// Ends the stream, and by its mode (enum cancel_mode) the job; suspends until that is done or the
// deadline has come, then frees it. A task that waits in results_next must be gone before. Accepts
// NULL. 0 or the error of waiting.
int results_close(struct results *r, enum cancel_mode mode, int64_t deadline);
