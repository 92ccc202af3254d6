#include "base/log.h"

#include <assert.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/utf8.h"

#define LOG_LINE_MAX 2048
#define LOG_CLOSING 4 // room for a closing quote, bracket and newline is always left
#define LOG_VALUES_MAX 1536
#define LOG_PAIRS_MAX 24

static enum log_level current = LOG_WARN;
static enum log_form form = LOG_PLAIN;

void log_set_level(enum log_level level)
{
    current = level;
}

enum log_level log_level(void)
{
    return current;
}

void log_set_form(enum log_form wanted)
{
    form = wanted;
}

static void (*before)(void *arg);
static void *before_arg;

void log_before(void (*call)(void *arg), void *arg)
{
    before = call;
    before_arg = arg;
}

void log_time(int64_t wall_ns, char ret[LOG_TIME_SIZE])
{
    time_t seconds = (time_t)(wall_ns / NS_PER_S);
    struct tm tm = {0};
    gmtime_r(&seconds, &tm);
    size_t n = strftime(ret, LOG_TIME_SIZE, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(ret + n, LOG_TIME_SIZE - n, ".%03dZ", (int)(wall_ns % NS_PER_S / NS_PER_MS));
}

// What a line says, before it has a form. Values stand one after another in `values`.
struct log_pair {
    const char *key; // in the format
    size_t key_len;
    size_t at;
    size_t len;
    bool is_number;
};

struct log_said {
    struct log_pair pairs[LOG_PAIRS_MAX];
    size_t n;
    char values[LOG_VALUES_MAX];
    size_t used;
};

static void add_bytes(struct log_said *said, const char *bytes, size_t len)
{
    size_t room = sizeof(said->values) - said->used;
    size_t n = len < room ? len : room;
    memcpy(said->values + said->used, bytes, n);
    said->used += n;
}

// One conversion, whose '%' was read; the character after it.
static const char *convert(struct log_said *said, const char *at, bool *ret_number, va_list *ap)
{
    char number[24];
    size_t max = SIZE_MAX;
    int longs = 0;
    if (*at == '.')
        for (max = 0, at++; *at >= '0' && *at <= '9'; at++)
            max = max * 10 + (size_t)(*at - '0');
    for (; *at == 'l' || *at == 'z'; at++)
        longs += *at == 'z' ? 2 : 1;
    *ret_number = *at != 's';
    switch (*at) {
    case 's': {
        const char *text = va_arg(*ap, const char *);
        add_bytes(said, text, strnlen(text, max));
        return at + 1;
    }
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
    add_bytes(said, number, strlen(number));
    return at + 1;
}

// The value at `at`, up to its closing quote or a blank; what follows it.
static const char *read_value(struct log_said *said, struct log_pair *pair, const char *at,
                              va_list *ap)
{
    char end = ' ';
    unsigned parts = 0;
    bool is_number = false;
    if (*at == '"') {
        end = '"';
        at++;
    }
    for (; *at && *at != end; parts++) {
        if (*at == '%')
            at = convert(said, at + 1, &is_number, ap);
        else
            add_bytes(said, at++, 1);
    }
    pair->len = said->used - pair->at;
    pair->is_number = parts == 1 && is_number;
    return *at && end == '"' ? at + 1 : at;
}

static void read_pairs(struct log_said *said, const char *fmt, va_list *ap)
{
    for (const char *at = fmt; *at;) {
        const char *is = strchr(at, '=');
        if (*at == ' ') {
            at++;
            continue;
        }
        assert(is && said->n < LOG_PAIRS_MAX);
        struct log_pair *pair = &said->pairs[said->n++];
        *pair = (struct log_pair){.key = at, .key_len = (size_t)(is - at), .at = said->used};
        at = read_value(said, pair, is + 1, ap);
    }
}

struct log_text {
    char text[LOG_LINE_MAX];
    size_t len;
    bool is_full; // nothing more goes in
};

// All of the bytes, or none.
static void put(struct log_text *line, const char *bytes, size_t len)
{
    if (line->is_full || line->len + len > sizeof(line->text) - LOG_CLOSING) {
        line->is_full = true;
        return;
    }
    memcpy(line->text + line->len, bytes, len);
    line->len += len;
}

static void put_text(struct log_text *line, const char *text)
{
    put(line, text, strlen(text));
}

// Always fits.
static void close_with(struct log_text *line, const char *text)
{
    size_t len = strlen(text);
    memcpy(line->text + line->len, text, len);
    line->len += len;
}

// Keeps a terminal safe from what a peer or a file name may hold. `is_quoted`: quotes, backslashes
// and newlines are escaped, else a newline becomes a blank.
static void put_safely(struct log_text *line, const char *text, size_t len, bool is_quoted)
{
    for (size_t i = 0; i < len;) {
        uint32_t c = 0;
        size_t n = utf8_read(text + i, len - i, &c);
        if (n == 1 && is_quoted && (c == '"' || c == '\\'))
            put(line, (const char[]){'\\', (char)c}, 2);
        else if (n == 1 && c == '\n')
            put_text(line, is_quoted ? "\\n" : " ");
        else if (n == 0 || utf8_is_control(c))
            put(line, "?", 1);
        else
            put(line, text + i, n);
        i += n ? n : 1;
    }
}

static void put_quoted(struct log_text *line, const char *text, size_t len)
{
    if (line->len + 2 > sizeof(line->text) - LOG_CLOSING)
        line->is_full = true;
    if (line->is_full)
        return;
    put(line, "\"", 1);
    put_safely(line, text, len, true);
    line->text[line->len++] = '"'; // of the room that is left for closings
}

static bool is_word(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (strchr(" \t\n\r\"\\=", text[i]))
            return false;
    return len > 0;
}

static void put_pairs(struct log_text *line, const struct log_said *said, const char *leave_out)
{
    const char *between = "";
    for (size_t i = 0; i < said->n && !line->is_full; i++) {
        const struct log_pair *pair = &said->pairs[i];
        const char *value = said->values + pair->at;
        if (leave_out && pair->key_len == strlen(leave_out) &&
            memcmp(pair->key, leave_out, pair->key_len) == 0)
            continue;
        put_text(line, between);
        put(line, pair->key, pair->key_len);
        put(line, "=", 1);
        if (is_word(value, pair->len))
            put_safely(line, value, pair->len, false);
        else
            put_quoted(line, value, pair->len);
        between = " ";
    }
}

static void form_text(struct log_text *line, const char *level, const char *text,
                      const struct log_said *said)
{
    struct timespec now;
    char when[LOG_TIME_SIZE];
    clock_gettime(CLOCK_REALTIME, &now);
    log_time(now.tv_sec * NS_PER_S + now.tv_nsec, when);
    put_text(line, when);
    put(line, " ", 1);
    put_text(line, level);
    put(line, " ", 1);
    put_text(line, text);
    if (said->n)
        put(line, " ", 1);
    put_pairs(line, said, NULL);
}

static void form_json(struct log_text *line, const char *level, const char *text,
                      const struct log_said *said)
{
    struct timespec now;
    char when[LOG_TIME_SIZE];
    clock_gettime(CLOCK_REALTIME, &now);
    log_time(now.tv_sec * NS_PER_S + now.tv_nsec, when);
    line->len = (size_t)snprintf(line->text, sizeof(line->text),
                                 "{\"time\":\"%s\",\"level\":\"%s\",\"text\":", when, level);
    put_quoted(line, text, strlen(text));
    for (size_t i = 0; i < said->n && !line->is_full; i++) {
        const struct log_pair *pair = &said->pairs[i];
        const char *value = said->values + pair->at;
        size_t least = pair->key_len + strlen(",\"\":\"\"") + (pair->is_number ? pair->len : 0);
        if (line->len + least > sizeof(line->text) - LOG_CLOSING)
            break; // a pair that is begun has its value
        put(line, ",\"", 2);
        put(line, pair->key, pair->key_len);
        put(line, "\":", 2);
        if (pair->is_number)
            put(line, value, pair->len);
        else
            put_quoted(line, value, pair->len);
    }
    close_with(line, "}");
}

static void form_plain(struct log_text *line, const char *text, const struct log_said *said)
{
    bool has_reason = false;
    put_text(line, "fanmill: ");
    put_text(line, text);
    for (size_t i = 0; i < said->n; i++) {
        const struct log_pair *pair = &said->pairs[i];
        if (pair->key_len != strlen("reason") || memcmp(pair->key, "reason", pair->key_len) != 0)
            continue;
        has_reason = true;
        put_text(line, ": ");
        put_safely(line, said->values + pair->at, pair->len, false);
    }
    if (said->n > has_reason) {
        put_text(line, " (");
        put_pairs(line, said, "reason");
        close_with(line, ")");
    }
}

void log_line(enum log_level level, const char *text, const char *fmt, ...)
{
    static const char *const names[] = {"error", "warn", "info", "debug"};
    struct log_text line = {.len = 0};
    struct log_said said = {.n = 0};
    va_list ap;
    if (level > current)
        return;
    va_start(ap, fmt);
    read_pairs(&said, fmt, &ap);
    va_end(ap);
    if (form == LOG_TEXT)
        form_text(&line, names[level], text, &said);
    else if (form == LOG_JSON)
        form_json(&line, names[level], text, &said);
    else
        form_plain(&line, text, &said);
    close_with(&line, "\n");
    if (before)
        before(before_arg);
    ssize_t ignored = write(STDERR_FILENO, line.text, line.len);
    (void)ignored;
}
