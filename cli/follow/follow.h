// Takes a job's records to their sink and reports to the user what happens: what `run`, `submit
// --wait` and `results` have in common.
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "async/scope.h"
#include "async/waitq.h"
#include "cli/follow/report.h"
#include "client/requests.h"
#include "client/results.h"
#include "pipelines/sink/sink.h"

#define FOLLOW_WINDOW_ITEMS 16384u
#define FOLLOW_WINDOW_BYTES (32u << 20)

struct follow {
    struct link *link;
    uint64_t job;
    uint64_t from;
    uint64_t end;             // offset after the last record wanted; 0 or UINT64_MAX: all
    const struct plan *plan;  // NULL: not known here
    struct sink_writer *sink; // NULL: only failures are reported
    struct report *report;
    bool ends_job; // a signal, or a failed sink, ends the job; else only our watching
    bool no_signals;
    // Ctrl-Z: what runs on this machine stands still with us, or goes on. NULL: nothing does.
    void (*pause)(void *arg, bool pause);
    void *pause_arg;
    bool propagate;       // follow_status is the first failed chunk's own
    int64_t deadline;     // then we give up waiting
    struct err *sink_why; // where the sink's trouble goes; NULL: to stderr
    // set by follow_run
    struct results *results;
    struct job_info info;
    int signal;     // that ended us
    int sink_error; // negative errno
    int error;      // of the stream
    bool lost;      // a worker that the job can't do without
    uint32_t cancels;
    struct event_flag lost_flag;
    struct scope *watching; // cancelled by a signal that ends only our watching
};

// Reads the stream to its end. Suspends. The sink is left open.
void follow_run(struct follow *follow);
// The job can't go on here: it is killed. From callbacks.
void follow_lost(struct follow *follow);
// Exit status of the command, from what follow_run found.
int follow_status(const struct follow *follow);
// The same from a job's row alone.
int follow_status_of(const struct job_info *info);
