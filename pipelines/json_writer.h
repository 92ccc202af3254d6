// JSON (RFC 8259), value by value: an object on one line, as --json prints it, or indented, for
// people. docs/guide/json.md lists what fanmill prints and promises it: `v` changes when a field
// changes its meaning or goes away; fields may be added.
//
//     struct json_writer w = {.out = &line};
//     json_open(&w);
//     json_put_number(&w, "v", 1);
//     json_put_text(&w, "name", job->name);
//     int r = json_done(&w); // {"v":1,"name":"primes"}
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

struct json_writer {
    struct buf *out; // borrowed
    bool indented;   // a value a line; else all of it on one
    unsigned depth;
    bool first; // nothing stands in the innermost object or list yet
    int error;  // sticky; json_done() returns it
};

// Begins the outermost object.
void json_open(struct json_writer *w);
// Ends it, and the line. 0, -ENOMEM or -ENOBUFS; after a failure `out` holds a part of the object.
int json_done(struct json_writer *w);
// In an object each value has a name, which needs no escapes; in a list it is NULL. `bracket`: "{"
// or "[", "}" or "]".
void json_begin(struct json_writer *w, const char *name, const char *bracket);
void json_end(struct json_writer *w, const char *bracket);

// Nothing is written for a text that is NULL. One that is not UTF-8 is written in base64 (RFC 4648,
// section 4), as NAME_base64 instead of NAME.
void json_put_text(struct json_writer *w, const char *name, const char *text);
void json_put_bytes(struct json_writer *w, const char *name, const void *data, size_t len);
void json_put_number(struct json_writer *w, const char *name, uint64_t value);
void json_put_flag(struct json_writer *w, const char *name, bool value);
// Nanoseconds as seconds with 0 to 9 digits after the point; the others are cut off.
void json_put_seconds(struct json_writer *w, const char *name, int64_t ns, int digits);
// Any other number or a word of JSON, at most 63 bytes.
void json_put_raw(struct json_writer *w, const char *name, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
// Members of an object or elements of a list as they are read: "'type': 'array', 'minItems': %d",
// with ' for ", and texts without escapes.
void json_put_members(struct json_writer *w, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
