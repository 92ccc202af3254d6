// What a run tells its user on stderr: the progress line, failed chunks as they come, the last
// line.
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "async/group.h"
#include "cli/args.h"
#include "client/link.h"
#include "pipelines/plan.h"
#include "proto/record.h"

#define REPORT_FAILURES_MAX 10 // told one by one; the others are counted
#define REPORT_STDERR_MAX 2048 // bytes of a failed chunk's stderr that are shown

struct report {
    const struct plan *plan; // NULL: not known here
    const char *name;        // of the job
    struct link *link;
    uint64_t job;
    uint64_t (*total)(void *arg); // chunks there will be, as far as we know here; NULL
    void *total_arg;
    char error[PROTO_TEXT_MAX]; // of the last record, NUL-terminated; "" when it was ok
    bool quiet;
    bool verbose;
    bool color;
    bool is_tty;
    bool line_shown;
    enum progress progress;
    int first_status; // of the first failed chunk: its exit status, 128 + its signal, or 1
    uint64_t failures;
    uint64_t typos; // commands that could not be run
    int64_t began;
    struct task *drawing;
};

// Begins the progress line, when stderr is a terminal: a task in `group` asks how the job stands.
int report_start(struct report *report, struct group *group, struct link *link, uint64_t job);
void report_stop(struct report *report);
// A record that is a failure, or carries stderr text that the user should see.
void report_record(struct report *report, const struct wire_record *record);
// A line of our own, above the progress line.
void report_say(struct report *report, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
// After the end.
void report_summary(struct report *report, const struct job_info *job);
