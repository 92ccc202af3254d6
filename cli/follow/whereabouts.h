// Where a job's results are.
#pragma once
#include <limits.h>

struct plan;

// The path of the plan's file or folder ("out/"), as one would write it in the current folder;
// "" when the results are neither.
void whereabouts_of(const struct plan *plan, char ret[PATH_MAX]);
