// Opening a path of a source, and reading from it without blocking. Only source*.c include it.
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "base/err.h"
#include "pipelines/plan.h"

#define SOURCE_BLOCK (64u << 10) // read at once

// Looks at a path without opening it, which a pipe's writer would notice: that it can be read, and
// is no folder.
int source_look_path(const struct plan *plan, const char *path, struct stat *ret, struct err *err);
// Refuses what can be read only once, pipes and standard input, and is named twice.
int source_check_names(const struct plan *plan, char *const *names, size_t n, struct err *err);
// Opens a path of the job for reading; "-" is (a duplicate of) standard input.
int source_open_path(const struct plan *plan, const char *path, struct err *err);
// Reads up to SOURCE_BLOCK bytes into `block`; 0 at the end, -EAGAIN when no data is available now.
// Never blocks on a pipe or terminal, whose flags stay as they are: others share them.
ssize_t source_read_block(int fd, uint8_t *block);
