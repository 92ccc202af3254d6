// JSON for people to read: objects and lists within one another, a value a line. Errors are sticky;
// json_done() tells.
#pragma once
#include <stdbool.h>

#include "base/buf.h"

struct json_writer {
    struct buf *out; // borrowed
    unsigned depth;
    bool first; // nothing stands in the innermost object or list yet
    int error;
};

// Begins the outermost object.
void json_open(struct json_writer *w);
// Ends it. 0, -ENOMEM or -ENOBUFS.
int json_done(struct json_writer *w);
// In an object each value has a name, in a list it is NULL. `bracket`: "{" or "[", "}" or "]".
void json_begin(struct json_writer *w, const char *name, const char *bracket);
void json_end(struct json_writer *w, const char *bracket);
void json_put_text(struct json_writer *w, const char *name, const char *text);
// A number or a word of JSON, at most 63 bytes.
void json_put_raw(struct json_writer *w, const char *name, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
