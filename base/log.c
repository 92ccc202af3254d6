#include "base/log.h"

#include <assert.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
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

static void (*before)(void *arg);
static void *before_arg;

void log_before(void (*call)(void *arg), void *arg)
{
    before = call;
    before_arg = arg;
}

// A line in the making: room for a closing quote and the newline is always left.
struct log_text {
    char text[LOG_LINE_MAX];
    size_t len;
    bool in_quotes;
    bool is_full; // nothing more goes in
};

// All of the bytes, or none.
static void put(struct log_text *line, const char *bytes, size_t len)
{
    if (line->is_full || line->len + len > sizeof(line->text) - 2) {
        line->is_full = true;
        return;
    }
    memcpy(line->text + line->len, bytes, len);
    line->len += len;
    if (len == 1 && *bytes == '"')
        line->in_quotes = !line->in_quotes;
}

// Keeps a terminal safe from what a peer or a file name may hold, and the quotes where they are.
static void put_escaped(struct log_text *line, const char *text, size_t max)
{
    for (const char *c = text; max && *c; c++, max--) {
        if (*c == '"' || *c == '\\')
            put(line, (const char[]){'\\', *c}, 2);
        else if (*c == '\n')
            put(line, "\\n", 2);
        else
            put(line, (unsigned char)*c < 0x20 || *c == 0x7f ? "?" : c, 1);
    }
}

// A value that is no single word gets quotes, where the format has none.
static void put_value(struct log_text *line, const char *text, size_t max)
{
    bool quotes = !line->in_quotes && (!*text || text[strcspn(text, " \t\n\r\"\\=")]);
    if (quotes)
        put(line, "\"", 1);
    put_escaped(line, text, max);
    if (quotes)
        put(line, "\"", 1);
}

// One conversion, whose '%' was read; the character after it.
static const char *convert(struct log_text *line, const char *at, va_list *ap)
{
    char number[24];
    size_t max = SIZE_MAX;
    int longs = 0;
    if (*at == '.')
        for (max = 0, at++; *at >= '0' && *at <= '9'; at++)
            max = max * 10 + (size_t)(*at - '0');
    for (; *at == 'l' || *at == 'z'; at++)
        longs += *at == 'z' ? 2 : 1;
    switch (*at) {
    case 's':
        put_value(line, va_arg(*ap, const char *), max);
        return at + 1;
    case 'd':
        snprintf(number, sizeof(number), "%lld", longs ? va_arg(*ap, long long) : va_arg(*ap, int));
        break;
    case 'u':
        snprintf(number, sizeof(number), "%llu",
                 longs ? va_arg(*ap, unsigned long long) : va_arg(*ap, unsigned));
        break;
    default:
        assert(!"a conversion that log.h does not list");
    }
    put(line, number, strlen(number));
    return at + 1;
}

void log_line(enum log_level level, const char *msg, const char *fmt, ...)
{
    static const char *const names[] = {"error", "warn", "info", "debug"};
    struct log_text line = {.len = 0};
    va_list ap;
    if (level > current)
        return;
    line.len = (size_t)snprintf(line.text, sizeof(line.text), "level=%s msg=", names[level]);
    put(&line, "\"", 1);
    put_escaped(&line, msg, SIZE_MAX);
    put(&line, "\" ", 2);
    line.in_quotes = false;
    va_start(ap, fmt);
    for (const char *at = fmt; *at;) {
        if (*at == '%')
            at = convert(&line, at + 1, &ap);
        else
            put(&line, at++, 1);
    }
    va_end(ap);
    if (line.in_quotes)
        line.text[line.len++] = '"';
    line.text[line.len++] = '\n';
    if (before)
        before(before_arg);
    ssize_t ignored = write(STDERR_FILENO, line.text, line.len);
    (void)ignored;
}
