// Log lines for machines and people: level=warn msg="lease expired" job=17 chunk=42 worker=n3
//
// Only shells log (coordinator/, worker/, cli/); pure rooms return errors instead. The level is one
// per process and is set by cli/ before anything runs.
#pragma once

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

void log_set_level(enum log_level level);
enum log_level log_level(void);
// Writes one line to stderr in one write. `fmt` gives key=value pairs by hand:
// log_warn("worker lost", "worker=%s reason=\"%s\"", name, why). Values can be read back by a
// program: quotes, backslashes and newlines in them are escaped, other control characters become
// '?', and one that is not a single word gets quotes if the format has none. Conversions are %s and
// %.Ns, %d and %u, with l, ll or z; all others, flags and widths are our own bug.
void log_line(enum log_level level, const char *msg, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

// Called before each line is written, so that a progress line makes room for it. NULL: nothing.
void log_before(void (*call)(void *arg), void *arg);

#define log_error(msg, ...) log_line(LOG_ERROR, msg, __VA_ARGS__)
#define log_warn(msg, ...) log_line(LOG_WARN, msg, __VA_ARGS__)
#define log_info(msg, ...) log_line(LOG_INFO, msg, __VA_ARGS__)
#define log_debug(msg, ...)                                                                        \
    do {                                                                                           \
        if (log_level() >= LOG_DEBUG)                                                              \
            log_line(LOG_DEBUG, msg, __VA_ARGS__);                                                 \
    } while (0)
