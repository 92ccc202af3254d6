// What a source of data learns about a file before it is read. Only source*.c include it.
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "pipelines/plan.h"
#include "pipelines/source/cutter.h"
#include "pipelines/unpack.h"

struct data_file {
    uint64_t size;
    uint64_t header; // bytes that begin each chunk
    int64_t mtime_ns;
    uint64_t fingerprint; // of a file that is not a stream
    bool is_stream;       // standard input, a fifo, compressed: no size, no place
    enum unpack_kind packed;
};

// Looks at a path of the plan: metadata, the first bytes, the header. Checks that the plan's chunk
// rule is possible. `f` is zeroed. Blocking. Negative errno with text.
int data_file_look(const struct plan *plan, const char *path, struct data_file *f, struct err *err);
