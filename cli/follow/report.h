// What a run reports on stderr: the progress line, failed chunks as they come, the last line.
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "async/group.h"
#include "async/waitq.h"
#include "cli/args/args.h"
#include "cli/follow/progress.h"
#include "cli/text/color.h"
#include "client/requests.h"
#include "client/results.h"
#include "pipelines/plan.h"
#include "proto/record.h"

#define REPORT_FAILURES_MAX 10 // reported one by one; the others are counted
#define REPORT_STDERR_MAX 2048 // bytes of a failed chunk's stderr that its message quotes

// How a run is shown, as flags say.
struct report_options {
    bool quiet;
    int verbose;
    enum color color;
    enum progress_mode progress;
};
extern const struct arg report_flags[]; // of struct report_options

struct report {
    const struct plan *plan; // NULL: not known here
    const char *name;        // of the job; NULL: as its row says
    struct link *link;
    uint64_t job;
    uint64_t (*total)(void *arg); // chunks in all, as far as we know here; NULL
    // Bytes of data that were given to the job, and in how many chunks; 0: it has none. NULL.
    uint64_t (*fed)(void *arg, uint64_t *ret_chunks);
    void *fed_arg; // of both
    enum progress_mode mode;
    uint32_t slots;             // chunks that run at most, though more are leased; 0: not known
    char error[PROTO_TEXT_MAX]; // of the last record, NUL-terminated; "": nothing to tell
    bool quiet;
    bool verbose;
    bool color;
    bool quotes;          // standard error of chunks goes to files: messages quote its end
    bool shows_errors;    // even if quiet
    bool torn;            // the last byte of it that was written ends no line
    bool is_terminal;     // stderr: a line can be drawn over
    bool shares_terminal; // stdout goes to it too
    bool line_shown;
    int first_status; // of the first failed chunk: its exit status, 128 + its signal, or 1
    bool mid_line;    // the last byte on the terminal was a result's, and no end of line
    bool is_on;
    bool asked; // for the line, once
    struct waitq news;
    uint64_t failures;
    uint64_t littered;  // chunks that are ok and left processes running
    uint64_t leftovers; // those processes, and those of chunks that failed
    // Of the last command that could not be run: its message and the beginning of its stderr.
    char typo[PROTO_TEXT_MAX + 512];
    bool typo_again; // it came again
    struct task *showing;
};

// Of a plan, which is borrowed.
struct report report_of(const struct plan *plan, const struct report_options *options);
// Begins the progress line or objects, by `mode`: a task in `group` asks for the state of the job.
int report_start(struct report *report, struct group *group, struct link *link, uint64_t job);
void report_stop(struct report *report);
// SIGUSR1 prints the line once, wherever stderr goes; SIGUSR2 turns it on and off. From tasks and
// callbacks.
void report_ask(struct report *report);
void report_toggle(struct report *report);
// Results to standard output, which may be the same terminal; `report` is a struct report.
// Suspends. As io_write.
int report_stdout(void *report, const void *data, size_t len);
// What the chunk wrote to standard error, as it is; its failure, and what else should be told.
void report_record(struct report *report, const struct result_record *record);
// Takes the progress line away, until the next one is drawn.
void report_hide(struct report *report);
// A line of our own, above the progress line.
void report_say(struct report *report, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
// After the end, in one line: how much, how long and where the results are (`place`; NULL or "":
// not in a file). When all is well, only on a terminal.
void report_summary(struct report *report, const struct job_info *job, const char *place);
