// Opening a path of a source, and reading from it without blocking. Only source*.c include it.
#pragma once
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "pipelines/plan.h"

#define SOURCE_BLOCK (64u << 10) // read at once

// Opens a path of the job for reading; "-" is (a duplicate of) standard input.
int source_open_path(const struct plan *plan, const char *path, struct err *err);
// Reads up to SOURCE_BLOCK bytes into `block`; 0 at the end, -EAGAIN when no data is available now.
// Never blocks on a pipe or terminal, whose flags stay as they are: others share them.
ssize_t source_read_block(int fd, uint8_t *block);
