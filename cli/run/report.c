#include "cli/run/report.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "async/io.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "cli/status.h"

#define REDRAW_NS (200 * NS_PER_MS) // five a second
#define EACH_NS NS_PER_S            // lines and objects that stay
#define ITEM_NAME_MAX 200

static void emit(struct report *report, const char *text, size_t len)
{
    if (report->line_shown)
        fd_write_all(STDERR_FILENO, "\r\033[K", 4);
    report->line_shown = false;
    if (len)
        report->mid_line = text[len - 1] != '\n';
    fd_write_all(STDERR_FILENO, text, len);
}

// Texts of commands and items are data: what could steer a terminal is shown as '?'.
static void make_harmless(char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (((unsigned char)text[i] < 0x20 && text[i] != '\n' && text[i] != '\t') ||
            text[i] == 0x7f)
            text[i] = '?';
}

void report_say(struct report *report, const char *fmt, ...)
{
    char text[1024];
    va_list ap;
    int n = snprintf(text, sizeof(text), "fanmill: ");
    va_start(ap, fmt);
    int more = vsnprintf(text + n, sizeof(text) - (size_t)n - 1, fmt, ap);
    va_end(ap);
    n += more < 0 ? 0 : more;
    if ((size_t)n > sizeof(text) - 2)
        n = (int)sizeof(text) - 2;
    make_harmless(text, (size_t)n);
    text[n++] = '\n';
    emit(report, text, (size_t)n);
}

static unsigned columns(void)
{
    struct winsize size;
    return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col ? size.ws_col
                                                                       : PROGRESS_COLUMNS;
}

// Chunks of the first step are done in the order in which they were fed, more or less.
static double bytes_done(const struct report *report, uint64_t done)
{
    uint64_t chunks = 0;
    uint64_t bytes = report->fed ? report->fed(report->fed_arg, &chunks) : 0;
    if (!chunks || !bytes)
        return 0;
    return (double)bytes * (double)(done < chunks ? done : chunks) / (double)chunks;
}

static struct progress progress_of(const struct report *report, const struct job_info *s)
{
    // Later steps have chunks of their own, so a share means something only for a single step.
    bool single = !report->plan || report->plan->n_steps == 1;
    uint64_t total = report->total ? report->total(report->fed_arg) : s->total;
    uint64_t running = report->slots && s->running > report->slots ? report->slots : s->running;
    return (struct progress){.name = report->name,
                             .id = s->id,
                             .ok = s->ok,
                             .failed = s->failed,
                             .running = running,
                             .total = single ? total : UINT64_MAX,
                             .bytes = single ? bytes_done(report, s->ok + s->failed) : 0,
                             .elapsed_ns = s->age_ns,
                             .ended = s->phase == PHASE_ENDED};
}

static void tell_json(struct report *report, const struct progress *p)
{
    char object[PROGRESS_JSON_MAX];
    emit(report, object, progress_json(p, object));
}

// A line that stays: for SIGUSR1, and where no line can be drawn over.
static void tell_line(struct report *report, const struct progress *p)
{
    char line[PROGRESS_LINE_MAX + 1];
    size_t n = progress_line(p, report->is_terminal ? columns() - 1 : PROGRESS_LINE_MAX - 1, line);
    line[n++] = '\n';
    emit(report, line, n);
}

static void draw(struct report *report, const struct progress *p)
{
    char line[PROGRESS_LINE_MAX + 8] = "\r\033[K";
    if (report->mid_line)
        return; // a result is on this line, and its end is still to come
    // The last column stays free: some terminals wrap when it is written.
    size_t n = 4 + progress_line(p, columns() - 1, line + 4);
    fd_write_all(STDERR_FILENO, line, n);
    report->line_shown = true;
}

static void tell(struct report *report, const struct job_info *job)
{
    const struct progress p = progress_of(report, job);
    if (report->asked)
        tell_line(report, &p);
    if (report->is_on && report->mode == PROGRESS_JSON)
        tell_json(report, &p);
    else if (report->is_on && report->is_terminal)
        draw(report, &p);
    else if (report->is_on && !report->asked)
        tell_line(report, &p);
    report->asked = false;
}

static void keep_row(void *arg, const void *row)
{
    *(struct job_info *)arg = *(const struct job_info *)row;
}

static int tell_on(void *arg)
{
    struct report *report = arg;
    const struct msg_query query = {.what = QUERY_JOBS, .first = report->job, .last = report->job};
    bool redraws = report->is_terminal && report->mode != PROGRESS_JSON;
    int64_t period = redraws ? REDRAW_NS : EACH_NS;
    // A job that is over at once draws nothing.
    int64_t next = clock_after(loop_now(), redraws ? 2 * REDRAW_NS : EACH_NS);
    struct err err;
    int r = 0;
    while (r == 0) {
        while (r == 0 && !report->asked)
            r = waitq_wait_until(&report->news, report->is_on ? next : CLOCK_FOREVER);
        if (r == -ETIMEDOUT)
            r = 0;
        struct job_info job = {0};
        if (r == 0)
            r = link_query(report->link, &query, keep_row, &job, CLOCK_FOREVER, &err);
        if (r == 0 && job.id)
            tell(report, &job);
        next = clock_after(loop_now(), period);
    }
    return 0;
}

void report_ask(struct report *report)
{
    report->asked = true;
    waitq_wake_all(&report->news);
}

void report_toggle(struct report *report)
{
    report->is_on = !report->is_on;
    waitq_wake_all(&report->news);
    if (!report->is_on)
        emit(report, "", 0);
}

static void before_log(void *arg)
{
    emit(arg, "", 0);
}

int report_start(struct report *report, struct group *group, struct link *link, uint64_t job)
{
    const char *term = getenv("TERM");
    bool is_dumb = !term || strcmp(term, "dumb") == 0;
    report->link = link;
    report->job = job;
    report->is_terminal = isatty(STDERR_FILENO) && !is_dumb;
    report->shares_terminal = isatty(STDERR_FILENO) && isatty(STDOUT_FILENO);
    report->is_on =
        report->mode == PROGRESS_ALWAYS || report->mode == PROGRESS_JSON ||
        (report->mode == PROGRESS_AUTO && report->is_terminal && !report->quiet && !getenv("CI"));
    if (report->is_terminal)
        log_before(before_log, report);
    report->telling = group_go(group, "progress", tell_on, report);
    return report->telling ? 0 : -ENOMEM;
}

void report_stop(struct report *report)
{
    if (report->telling) {
        task_cancel(report->telling);
        task_unref(report->telling);
        report->telling = NULL;
    }
    log_before(NULL, NULL);
    emit(report, "", 0);
}

int report_stdout(struct report *report, const void *data, size_t len)
{
    if (len && report->shares_terminal) {
        emit(report, "", 0);
        report->mid_line = ((const char *)data)[len - 1] != '\n';
    }
    return io_write(STDOUT_FILENO, data, len);
}

static void show_stderr(struct report *report, const struct wire_record *record)
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
        n = (size_t)snprintf(text, sizeof(text), "  | ... (only its end)\n");
    }
    if (n)
        emit(report, text, n);
    for (size_t at = 0; at < len;) {
        const uint8_t *end = memchr(data + at, '\n', len - at);
        size_t line = end ? (size_t)(end - data) - at : len - at;
        n = (size_t)snprintf(text, sizeof(text), "  | ");
        memcpy(text + n, data + at, line);
        make_harmless(text + n, line);
        n += line;
        text[n++] = '\n';
        emit(report, text, n);
        at += line + 1;
    }
}

static void report_failure(struct report *report, const struct wire_record *record)
{
    char item[ITEM_NAME_MAX];
    char head[ITEM_NAME_MAX + 128];
    bool is_typo = record->ending.outcome == OUTCOME_NOT_FOUND ||
                   record->ending.outcome == OUTCOME_NOT_RUNNABLE;
    // It ends the job; those that were on their way at that moment would say the same.
    if (is_typo && report->typos++ > 0 && !report->verbose)
        return;
    if (++report->failures > REPORT_FAILURES_MAX && !report->verbose) {
        if (report->failures == REPORT_FAILURES_MAX + 1)
            report_say(report, "more chunks failed; they are counted (-v shows each)");
        return;
    }
    snprintf(item, sizeof(item), "%.*s",
             record->item_len < ITEM_NAME_MAX ? (int)record->item_len : ITEM_NAME_MAX - 1,
             record->item ? (const char *)record->item : "");
    int n = snprintf(head, sizeof(head), "chunk %" PRIu64, record->chunk);
    if (record->step > 0)
        n += snprintf(head + n, sizeof(head) - (size_t)n, " of step %u", record->step + 1);
    if (item[0])
        n += snprintf(head + n, sizeof(head) - (size_t)n, " ('%s')", item);
    if (record->attempt > 1)
        snprintf(head + n, sizeof(head) - (size_t)n, ", attempt %u", record->attempt);
    const char *red = report->color ? "\033[31m" : "";
    const char *plain = report->color ? "\033[0m" : "";
    char line[1024];
    n = snprintf(line, sizeof(line), "%s failed: %s", head,
                 record->error ? report->error : outcome_name(record->ending.outcome));
    if (n < 0)
        return;
    make_harmless(line, strlen(line));
    char out[1200];
    n = snprintf(out, sizeof(out), "fanmill: %s%s%s\n", red, line, plain);
    emit(report, out, (size_t)n < sizeof(out) ? (size_t)n : sizeof(out) - 1);
    show_stderr(report, record);
}

static int status_of(const struct wire_record *record)
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

void report_record(struct report *report, const struct wire_record *record)
{
    snprintf(report->error, sizeof(report->error), "%.*s",
             record->error ? (int)record->error_len : 0, record->error ? record->error : "");
    if (record->ending.outcome != OUTCOME_OK) {
        if (!report->first_status && record->ending.outcome != OUTCOME_CANCELLED)
            report->first_status = status_of(record);
        if (!report->quiet)
            report_failure(report, record);
        else
            report->failures++;
    } else if (record->stderr_len > 0 && !report->quiet) {
        show_stderr(report, record);
    }
}

void report_summary(struct report *report, const struct job_info *s)
{
    bool all_well = s->fate == FATE_COMPLETE && s->failed == 0;
    char text[256];
    if (report->mode == PROGRESS_JSON) {
        const struct progress p = progress_of(report, s);
        tell_json(report, &p);
    }
    if ((all_well && !report->verbose) || report->quiet)
        return;
    int n = snprintf(text, sizeof(text), "%s: %" PRIu64 " chunks ok, %" PRIu64 " failed",
                     report->name, s->ok, s->failed);
    if (s->cancelled)
        n += snprintf(text + n, sizeof(text) - (size_t)n, ", %" PRIu64 " cancelled", s->cancelled);
    if (s->unrun)
        n += snprintf(text + n, sizeof(text) - (size_t)n, ", %" PRIu64 " not run", s->unrun);
    if (s->retries)
        n += snprintf(text + n, sizeof(text) - (size_t)n, ", %" PRIu64 " run again", s->retries);
    if (s->fate == FATE_FAILURES)
        snprintf(text + n, sizeof(text) - (size_t)n, "; ended early because of failures");
    else if (s->fate == FATE_NOT_RUNNABLE)
        snprintf(text + n, sizeof(text) - (size_t)n, "; ended early: nothing can run");
    else if (s->fate == FATE_TIMEOUT)
        snprintf(text + n, sizeof(text) - (size_t)n, "; ended early: its time was over");
    else if (s->fate == FATE_CANCELLED)
        snprintf(text + n, sizeof(text) - (size_t)n, "; ended early");
    report_say(report, "%s", text);
}
