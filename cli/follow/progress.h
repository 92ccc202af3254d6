// The state of a run: one line for a terminal of any width, or one object for a program. Pure.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

#define PROGRESS_COLUMNS 80u // of a terminal of unknown width
#define PROGRESS_LINE_MAX 256u

enum progress_mode {
    PROGRESS_AUTO,   // a line, if stderr is a terminal, TERM is not dumb and CI is not set
    PROGRESS_ALWAYS, // a line; without a terminal, a new one each second
    PROGRESS_NEVER,
    PROGRESS_JSON, // an object each second
};
extern const char *const progress_words[]; // as --progress has them; ends with NULL

struct progress {
    const char *name; // of the job
    uint64_t id;
    uint64_t ok;
    uint64_t failed;
    uint64_t running;
    uint64_t total; // all chunks; UINT64_MAX: not known, or of several steps
    double bytes;   // input of the chunks that are done; 0: it is not counted
    int64_t elapsed_ns;
    bool ended;
};

// "name  412/1280  32%  8 running  2 failed  1.1 GB/s  eta 1m40s" in at most `columns` bytes,
// without an end of line: what matters least is left out first. Returns its length.
size_t progress_line(const struct progress *p, size_t columns, char ret[PROGRESS_LINE_MAX]);
// Appends the object of --progress json, with its end of line. -ENOMEM, -ENOBUFS.
int progress_json(const struct progress *p, struct buf *out);
