// The state of the job, asked for again and again: the line on a terminal, the lines elsewhere, the
// objects of --progress json.
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "cli/follow/connect.h"
#include "cli/follow/report_own.h"

#define REDRAW_NS (200 * NS_PER_MS) // five a second
#define EACH_NS NS_PER_S            // lines and objects that stay

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
    // Short chunks are not seen running one by one; as many as there are slots for do.
    uint64_t at_work = report->slots ? s->leased + s->running : s->running;
    uint64_t running = report->slots && at_work > report->slots ? report->slots : at_work;
    return (struct progress){.name = report->name ? report->name : s->name,
                             .id = s->id,
                             .ok = s->ok,
                             .failed = s->failed,
                             .running = running,
                             .total = single ? total : UINT64_MAX,
                             .bytes = single ? bytes_done(report, s->ok + s->failed) : 0,
                             .elapsed_ns = s->age_ns,
                             .ended = s->phase == PHASE_ENDED};
}

static void put_object(struct report *report, const struct progress *p)
{
    _cleanup_(buf_done)
    struct buf object = {0};
    if (progress_json(p, &object) == 0)
        report_emit(report, (const char *)object.data, object.len);
}

// A line that stays: for SIGUSR1, and where no line can be drawn over.
static void put_line(struct report *report, const struct progress *p)
{
    char line[PROGRESS_LINE_MAX + 1];
    size_t n = progress_line(p, report->is_terminal ? columns() - 1 : PROGRESS_LINE_MAX - 1, line);
    line[n++] = '\n';
    report_emit(report, line, n);
}

// Whether the terminal is ours now: a job in the background must not draw over what the shell, or
// the program in the foreground, shows.
static bool in_foreground(void)
{
    pid_t group = tcgetpgrp(STDERR_FILENO);
    return group < 0 || group == getpgrp();
}

static void draw(struct report *report, const struct progress *p)
{
    char line[PROGRESS_LINE_MAX + 8] = "\r\033[K";
    if (!in_foreground()) {
        report->line_shown = false;
        return;
    }
    if (report->mid_line)
        return; // a result is on this line, and its newline has not come yet
    // The last column stays free: some terminals wrap when it is written.
    size_t n = 4 + progress_line(p, columns() - 1, line + 4);
    fd_write_all(STDERR_FILENO, line, n);
    report->line_shown = true;
}

static void show(struct report *report, const struct job_info *job)
{
    const struct progress p = progress_of(report, job);
    if (report->asked)
        put_line(report, &p);
    if (report->is_on && report->mode == PROGRESS_JSON)
        put_object(report, &p);
    else if (report->is_on && report->is_terminal)
        draw(report, &p);
    else if (report->is_on && !report->asked)
        put_line(report, &p);
    report->asked = false;
}

static int keep_showing(void *arg)
{
    struct report *report = arg;
    bool redraws = report->is_terminal && report->mode != PROGRESS_JSON;
    int64_t period = redraws ? REDRAW_NS : EACH_NS;
    // A short job draws nothing.
    int64_t next = clock_after(loop_now(), redraws ? 2 * REDRAW_NS : EACH_NS);
    struct err err;
    int r = 0;
    while (r == 0) {
        while (r == 0 && !report->asked)
            r = waitq_wait_until(&report->news, report->is_on ? next : CLOCK_FOREVER);
        if (r == -ETIMEDOUT)
            r = 0;
        struct job_info job;
        if (r == 0)
            r = connect_job(report->link, report->job, report->job, CLOCK_FOREVER, &job, &err);
        if (r == 0)
            show(report, &job);
        else if (r == -ENOENT)
            r = 0;
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
        report_emit(report, "", 0);
}

static void before_log(void *arg)
{
    report_emit(arg, "", 0);
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
    report->showing = group_go(group, "progress", keep_showing, report);
    return report->showing ? 0 : -ENOMEM;
}

void report_stop(struct report *report)
{
    if (report->showing) {
        task_cancel(report->showing);
        task_unref(report->showing);
        report->showing = NULL;
    }
    log_before(NULL, NULL);
    report_emit(report, "", 0);
}

void report_progress(struct report *report, const struct job_info *job)
{
    const struct progress p = progress_of(report, job);
    put_object(report, &p);
}
