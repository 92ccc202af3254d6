#include "cli/follow/report_own.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/utf8.h"
#include "cli/args/exit_code.h"
#include "cli/text/count.h"
#include "cli/text/summary.h"

#define ITEM_NAME_MAX 200
#define HEAD_MAX (ITEM_NAME_MAX + 128)

const struct arg report_flags[] = {
    {'q', "quiet", SETS_FLAG(struct report_options, quiet), NULL, "print nothing but results"},
    {'v', "verbose", SETS_COUNT(struct report_options, verbose), NULL,
     "report every failed chunk and log events; -vv: more"},
    {0, "color", SETS_WORD(struct report_options, color), "WHEN", "color messages",
     .words = color_words},
    {0, "progress", SETS_WORD(struct report_options, progress), "WHEN", "show progress",
     .words = progress_words},
    {0},
};

struct report report_of(const struct plan *plan, const struct report_options *options)
{
    return (struct report){.plan = plan,
                           .name = plan->name,
                           .quiet = options->quiet,
                           .verbose = options->verbose > 0,
                           .mode = options->progress,
                           .color = use_color(options->color)};
}

// The end of what a failed chunk wrote, where the whole of it goes to a file.
static void quote_stderr(struct report *report, const struct record_entry *record)
{
    char text[REPORT_STDERR_MAX + 64];
    size_t len = record->stderr_len;
    const uint8_t *data = (const uint8_t *)record->stderr_text;
    if (!len)
        return;
    size_t n = 0;
    if (len > REPORT_STDERR_MAX) {
        data += len - REPORT_STDERR_MAX;
        len = REPORT_STDERR_MAX;
        n = (size_t)snprintf(text, sizeof(text), "  | ... (last part only)\n");
    }
    if (n)
        report_emit(report, text, n);
    for (size_t at = 0; at < len;) {
        const uint8_t *end = memchr(data + at, '\n', len - at);
        size_t line = end ? (size_t)(end - data) - at : len - at;
        n = (size_t)snprintf(text, sizeof(text), "  | ");
        memcpy(text + n, data + at, line);
        utf8_make_harmless(text + n, line);
        n += line;
        text[n++] = '\n';
        report_emit(report, text, n);
        at += line + 1;
    }
}

// "chunk 3 of step 2 ('a.dat'), attempt 2"
static void name_chunk(const struct record_entry *record, char head[HEAD_MAX])
{
    char item[ITEM_NAME_MAX];
    snprintf(item, sizeof(item), "%.*s",
             record->item_len < ITEM_NAME_MAX ? (int)record->item_len : ITEM_NAME_MAX - 1,
             record->item ? (const char *)record->item : "");
    int n = snprintf(head, HEAD_MAX, "chunk %" PRIu64, record->chunk + 1);
    if (record->step > 0)
        n += snprintf(head + n, HEAD_MAX - (size_t)n, " of step %u", record->step + 1);
    if (item[0])
        n += snprintf(head + n, HEAD_MAX - (size_t)n, " ('%s')", item);
    if (record->attempt > 1)
        snprintf(head + n, HEAD_MAX - (size_t)n, ", attempt %u", record->attempt);
}

// What a chunk that is ok left running.
static void report_leftovers(struct report *report, const struct record_entry *record)
{
    char head[HEAD_MAX];
    if (++report->littered > REPORT_FAILURES_MAX && !report->verbose) {
        if (report->littered == REPORT_FAILURES_MAX + 1)
            report_say(report, "what further chunks left running is only counted (-v lists it)");
        return;
    }
    name_chunk(record, head);
    report_say(report, "%s: %s%s", head, report->error,
               report->littered > 1 ? ""
                                    : " (--leftovers, or leftovers: of the stage, says what "
                                      "becomes of such processes)");
}

// A command that can't be run fails chunk after chunk with the same words: they are told once.
static bool is_told(struct report *report, const struct record_entry *record)
{
    char typo[sizeof(report->typo)];
    int len = record->stderr_len < 512 ? (int)record->stderr_len : 512;
    snprintf(typo, sizeof(typo), "%s\n%.*s", report->error, len,
             len ? (const char *)record->stderr_text : "");
    if (strcmp(typo, report->typo) != 0) {
        memcpy(report->typo, typo, sizeof(typo));
        report->typo_again = false;
        return false;
    }
    if (!report->typo_again)
        report_say(report, "more chunks fail with the same words; they are only counted (-v lists "
                           "them)");
    report->typo_again = true;
    return true;
}

static void report_failure(struct report *report, const struct record_entry *record)
{
    char head[HEAD_MAX];
    bool is_typo = record->ending.outcome == OUTCOME_NOT_FOUND ||
                   record->ending.outcome == OUTCOME_NOT_RUNNABLE;
    if (is_typo && !report->verbose && is_told(report, record))
        return;
    if (++report->failures > REPORT_FAILURES_MAX && !report->verbose) {
        if (report->failures == REPORT_FAILURES_MAX + 1)
            report_say(report, "further failures are only counted (-v lists them)");
        return;
    }
    name_chunk(record, head);
    const char *red = report->color ? "\033[31m" : "";
    const char *plain = report->color ? "\033[0m" : "";
    char line[1024];
    int n = snprintf(line, sizeof(line), "%s failed: %s", head,
                     record->error ? report->error : outcome_name(record->ending.outcome));
    if (n < 0)
        return;
    utf8_make_harmless(line, strlen(line));
    char out[1200];
    n = snprintf(out, sizeof(out), "fanmill: %s%s%s\n", red, line, plain);
    report_emit(report, out, (size_t)n < sizeof(out) ? (size_t)n : sizeof(out) - 1);
    if (report->quotes)
        quote_stderr(report, record);
}

static int status_of(const struct record_entry *record)
{
    switch (record->ending.outcome) {
    case OUTCOME_EXIT:
    case OUTCOME_NOT_FOUND:
    case OUTCOME_NOT_RUNNABLE:
        return record->ending.code;
    case OUTCOME_SIGNAL:
        return EXIT_SIGNAL + record->ending.code;
    case OUTCOME_TIMEOUT:
        return EXIT_TIMEOUT;
    default:
        return EXIT_CHUNK_FAILED;
    }
}

void report_record(struct report *report, const struct result_record *r)
{
    const struct record_entry *record = &r->head;
    bool is_ok = record->ending.outcome == OUTCOME_OK;
    snprintf(report->error, sizeof(report->error), "%.*s",
             record->error ? (int)record->error_len : 0, record->error ? record->error : "");
    if ((!report->quiet || report->shows_errors) && !report->quotes)
        for (size_t i = 0; i < r->n_errors; i++)
            report_errors(report, &r->errors[i]);
    if (!is_ok) {
        if (!report->first_status && record->ending.outcome != OUTCOME_CANCELLED)
            report->first_status = status_of(record);
        if (!report->quiet)
            report_failure(report, record);
        else
            report->failures++;
    } else if (!report->quiet && record->error) {
        report_leftovers(report, record);
    }
    report->leftovers += record->ending.leftovers;
}

static const char *cause_of(const struct job_info *job)
{
    switch ((enum job_fate)job->fate) {
    case FATE_FAILURES:
        return "; ended early because of failures";
    case FATE_NOT_RUNNABLE:
        return "; ended early: a command can't be run";
    case FATE_TIMEOUT:
        return "; ended early: time limit reached";
    case FATE_ENOUGH:
        return "; that was enough";
    case FATE_NEEDS:
        return "; not run: a job that it needs did not end well";
    case FATE_CANCELLED:
        return "; ended early";
    default:
        return "";
    }
}

void report_summary(struct report *report, const struct job_info *job, const char *place)
{
    _cleanup_(buf_done)
    struct buf text = {0};
    bool all_well = fate_is_whole(job->fate) && job->failed == 0;
    bool wanted = report->verbose || (isatty(STDERR_FILENO) && report->mode != PROGRESS_JSON);
    if (report->mode == PROGRESS_JSON)
        report_progress(report, job);
    if (report->littered > REPORT_FAILURES_MAX && !report->verbose)
        report_say(report, "%s left processes running: %" PRIu64 " in all",
                   count(report->littered, "chunk").text, report->leftovers);
    if (report->quiet || (all_well && !wanted))
        return;
    if (summary_put(&text, job, place) == 0 && buf_add_str(&text, cause_of(job)) == 0)
        report_say(report, "%s: %.*s", report->name, (int)text.len, (const char *)text.data);
}
