// Mistakes in a job file, with their places: gathered, sorted and printed as a compiler does, so
// that editors find the line.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

#define DIAG_KEEP_MAX 1000   // mistakes remembered; further ones are only counted
#define DIAG_MESSAGE_MAX 400 // bytes of a text or hint

// Both from 1; columns count characters. Line 0: no place in the file.
struct place {
    uint32_t line;
    uint32_t column;
};

struct mistake {
    struct place at;
    size_t number; // order of discovery
    bool is_warning;
    char *text;
    char *hint; // NULL: none
};

struct diag {
    const char *name; // of the file; borrowed
    bool is_command;  // `name` is a command's instead, and its words have no places
    const char *text; // of the file; borrowed
    size_t len;
    struct mistake *list;
    size_t n;
    size_t n_errors;
    size_t n_warnings;
    int error; // -ENOMEM, sticky
};

void diag_init(struct diag *diag, const char *name, const char *text, size_t len);
void diag_done(struct diag *diag);

// `hint` may be NULL. Texts are copied; control characters in them become '?'.
void diag_error(struct diag *diag, struct place at, const char *hint, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
void diag_warn(struct diag *diag, struct place at, const char *hint, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

// Appends them in the order of the file, at most `max` errors and `max` warnings. -ENOMEM.
int diag_print(struct diag *diag, size_t max, struct buf *out);

// The bytes of a line, without its end. Line 1 is the first; a line past the end is empty.
const char *line_find(const char *text, size_t len, uint32_t line, size_t *ret_len);
// The place of a byte.
struct place place_of(const char *text, size_t len, size_t offset);
