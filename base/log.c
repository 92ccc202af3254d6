#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#define LOG_LINE_MAX 1024

static enum log_level current = LOG_WARN;

void log_set_level(enum log_level level)
{
    current = level;
}

enum log_level log_level(void)
{
    return current;
}

// Keeps a terminal safe from what a peer or a file name may hold.
static void escape_controls(char *text)
{
    for (char *c = text; *c; c++) {
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            *c = '?';
    }
}

static void (*before)(void *arg);
static void *before_arg;

void log_before(void (*call)(void *arg), void *arg)
{
    before = call;
    before_arg = arg;
}

void log_line(enum log_level level, const char *msg, const char *fmt, ...)
{
    static const char *const names[] = {"error", "warn", "info", "debug"};
    if (level > current)
        return;
    char line[LOG_LINE_MAX];
    size_t used =
        (size_t)snprintf(line, sizeof(line) - 1, "level=%s msg=\"%s\" ", names[level], msg);
    if (used < sizeof(line) - 1) {
        va_list ap;
        va_start(ap, fmt);
        int more = vsnprintf(line + used, sizeof(line) - 1 - used, fmt, ap);
        va_end(ap);
        used += more > 0 ? (size_t)more : 0;
    }
    if (used > sizeof(line) - 2)
        used = sizeof(line) - 2;
    line[used] = '\0';
    escape_controls(line);
    line[used] = '\n';
    if (before)
        before(before_arg);
    ssize_t ignored = write(STDERR_FILENO, line, used + 1);
    (void)ignored;
}
