// Small scenes that between them await in every way there is. Each cleans up after itself whatever
// happens to it, and ends well (0) unless it is cancelled or there is no memory.
#pragma once
#include <stddef.h>

#include "async/task.h"

struct part {
    const char *name;
    task_fn *fn;
};
extern const struct part parts[];
extern const size_t n_parts;

// All of them side by side, as members of one group.
int parts_together(void *arg);
// Items not freed and cleanups not run. 0 when no part runs.
int parts_left(void);
