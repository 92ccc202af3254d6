// Folders that the source and the sink of a plan may not touch, however they are named and wherever
// links lead: what counts is what was opened.
#pragma once
#include "base/err.h"

struct plan;

// 0, or -EACCES with text if the open file or folder lies in one of the plan's fences. `path`: what
// the user called it.
int fence_check(const struct plan *plan, int fd, const char *path, struct err *err);
