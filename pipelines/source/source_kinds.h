// A kind of source as source.c sees it: one table of functions. Only source*.c include it.
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "pipelines/source/source.h"

struct source_ops {
    int (*next)(struct source_reader *r, const struct source_want *want, struct run *ret,
                struct err *err);
    int (*fd)(const struct source_reader *r);
    uint64_t (*total)(const struct source_reader *r);
    bool (*has_file)(const struct source_reader *r, const char *path); // NULL: it has none
    void (*close)(struct source_reader *r);                            // frees all, the reader too
};

// The first member of every kind's own struct.
struct source_reader {
    const struct source_ops *ops;
    const struct plan *plan;
    uint64_t chunks; // given so far
    bool ended;
};

// Puts the key, "source.data", before an error of a job file's source; on a command line the file's
// name says it all. Returns the code.
int source_named(const struct plan *plan, int code, struct err *err);

// Open functions of the kinds; each returns 0 and a reader.
int source_open_counted(const struct plan *plan, struct source_reader **ret, struct err *err);
int source_open_lines(const struct plan *plan, struct source_reader **ret, struct err *err);
int source_open_data(const struct plan *plan, struct source_reader **ret, struct err *err);
