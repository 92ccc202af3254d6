// Ends processes that no other process ends: unwanted children of this one.
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

// True for a child to spare. NULL spares none.
typedef bool sweep_spare_fn(void *arg, pid_t pid);

// Sends KILL to every child of this process that is not spared; reaps nothing. Blocking for the
// time of reading /proc. Returns how many were signalled.
int sweep_kill(sweep_spare_fn *spare, void *arg);

// Kills and reaps all children, and their children as they are handed over to this process (it must
// be a subreaper, PR_SET_CHILD_SUBREAPER). Blocks until none is left, at most 5 s: a process that
// hangs in the kernel can't be waited for. Returns true when none is left.
bool sweep_all(void);
