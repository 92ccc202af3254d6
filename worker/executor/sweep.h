// Ends processes that no other process ends: unwanted children of this one.
#pragma once
#include <stdbool.h>

#include "worker/process.h"

// Sends KILL to every child of this process that is not spared (NULL spares none); reaps nothing.
// Blocking for the time of reading /proc. Returns how many were signalled.
int sweep_kill(process_spare_fn *spare, void *arg);

// Kills and reaps all children that are not spared, and their children as they are handed over to
// this process (it must be a subreaper, PR_SET_CHILD_SUBREAPER). Blocks until none is left, at most
// 5 s: a process that hangs in the kernel, or is another user's, can't be waited for. Returns true
// when none is left.
bool sweep_all(process_spare_fn *spare, void *arg);
