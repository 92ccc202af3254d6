// What is written to the terminal: our own lines, and results where they go to it, too.
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "async/io.h"
#include "base/fd.h"
#include "base/utf8.h"
#include "cli/follow/report_own.h"

static void emit(struct report *report, const void *data, size_t len)
{
    if (report->line_shown)
        fd_write_all(STDERR_FILENO, "\r\033[K", 4);
    report->line_shown = false;
    if (len)
        report->mid_line = ((const char *)data)[len - 1] != '\n';
    fd_write_all(STDERR_FILENO, data, len);
}

void report_emit(struct report *report, const char *text, size_t len)
{
    if (report->torn && len) {
        emit(report, "\n", 1);
        report->torn = false;
    }
    emit(report, text, len);
}

void report_errors(struct report *report, const struct slice *part)
{
    const size_t most = 4096;
    char text[4096];
    if (!part->len)
        return;
    if (!report->is_terminal)
        emit(report, part->data, part->len);
    for (size_t at = 0; report->is_terminal && at < part->len; at += most) {
        size_t n = part->len - at < most ? part->len - at : most;
        memcpy(text, part->data + at, n);
        utf8_make_harmless(text, n);
        emit(report, text, n);
    }
    report->torn = part->data[part->len - 1] != '\n';
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
    utf8_make_harmless(text, (size_t)n);
    text[n++] = '\n';
    report_emit(report, text, (size_t)n);
}

int report_stdout(void *arg, const void *data, size_t len)
{
    struct report *report = arg;
    if (len && report->shares_terminal) {
        report_emit(report, "", 0);
        report->mid_line = ((const char *)data)[len - 1] != '\n';
    }
    return io_write(STDOUT_FILENO, data, len);
}

void report_hide(struct report *report)
{
    report_emit(report, "", 0);
}
