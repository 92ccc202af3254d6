// The cause of a failure, as a message for a person. The code that travels with it is a negative
// errno.
#pragma once
#include <stdarg.h>
#include <stddef.h>

#define ERR_TEXT_MAX 512

struct err {
    char text[ERR_TEXT_MAX]; // one line, no final full stop or newline; "" if there is none
};

// Writes the text and returns `code`, so that `return err_set(err, -EINVAL, ...)` reads as one act.
// `err` may be NULL. A longer text is cut. Never allocates.
int err_set(struct err *err, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
int err_setv(struct err *err, int code, const char *fmt, va_list ap)
    __attribute__((format(printf, 3, 0)));

// As err_set, with ": " and strerror(-code) after the text.
int err_sys(struct err *err, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

// Puts context before the text: "reading 'a.txt'" + ": " + the text so far. Returns `code`.
int err_wrap(struct err *err, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
