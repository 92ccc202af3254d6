// Where N records of a file end: chunks of `lines` need a pass over it. Only source*.c
// include it.
#pragma once
#include <stdint.h>

#include "base/err.h"
#include "pipelines/input/separator.h"
#include "pipelines/source/source_path.h"

struct separator_search {
    struct separator separator;
    uint8_t block[SOURCE_BLOCK];
};
// The end of the `n` records of a file of `size` bytes that begin at `from`; the file's end at the
// latest. Stops early past EXTENT_BYTES_MAX, which the caller refuses. Blocking. `path` stands in
// messages. Negative errno with text.
int separator_search_end(struct separator_search *s, int fd, const char *path, uint64_t size,
                         uint64_t from, uint64_t n, uint64_t *ret_end, struct err *err);
