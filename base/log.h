// Log lines, in one of three forms:
//
//     2026-11-27T21:40:00.123Z warn worker lost worker=3 name=n3     LOG_TEXT: of a service
//     {"time":"2026-...","level":"warn","text":"worker lost","worker":3,"name":"n3"}   LOG_JSON
//     fanmill: worker lost (worker=3 name=n3)                        LOG_PLAIN: of a command
//
// Only shells log (coordinator/, worker/, cli/); pure rooms return errors instead. Level and form
// are one per process and are set by cli/ before anything runs.
#pragma once
#include <stdint.h>

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };
enum log_form { LOG_PLAIN, LOG_TEXT, LOG_JSON };

void log_set_level(enum log_level level);
enum log_level log_level(void);
void log_set_form(enum log_form form);
// Writes one line to stderr in one write. `fmt` gives key=value pairs by hand:
// log_warn("worker lost", "worker=%s reason=\"%s\"", name, why). Values can be read back by a
// program: quotes, backslashes and newlines in them are escaped, control characters and what is no
// UTF-8 become '?', and one that is not a single word gets quotes. In LOG_JSON the value of a lone
// %d or %u is a number; in LOG_PLAIN that of `reason` follows the text. Conversions are %s and
// %.Ns, %d and %u, with l, ll or z; all others, flags and widths are our own bug.
void log_line(enum log_level level, const char *text, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

// Called before each line is written, so that a progress line makes room for it. NULL: nothing.
void log_before(void (*call)(void *arg), void *arg);

// "2026-11-27T21:40:00.123Z" (RFC 3339, UTC) of a wall time in ns since 1970.
#define LOG_TIME_SIZE 32 // with its NUL
void log_time(int64_t wall_ns, char ret[LOG_TIME_SIZE]);

#define log_error(text, ...) log_line(LOG_ERROR, text, __VA_ARGS__)
#define log_warn(text, ...) log_line(LOG_WARN, text, __VA_ARGS__)
#define log_info(text, ...) log_line(LOG_INFO, text, __VA_ARGS__)
#define log_debug(text, ...)                                                                       \
    do {                                                                                           \
        if (log_level() >= LOG_DEBUG)                                                              \
            log_line(LOG_DEBUG, text, __VA_ARGS__);                                                \
    } while (0)
