// Processes of this machine as /proc shows them.
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"

struct process {
    pid_t pid;
    pid_t parent;
    uint64_t born; // clock ticks since the machine started
    char state;    // 'Z': it has ended, and waits for its parent
    char name[16]; // of its program, as it is: any bytes
};

// 0; -ESRCH, or another negative errno, when there is none.
int process_read(pid_t pid, struct process *ret);
// Fills `ret` with the processes below `root`, parents before their children: struct process each.
// Children of `root` that are spared (NULL: none is) are left out with all below them, and so are
// those that have ended; it stops at PROCESS_BELOW_MAX. Reads all of /proc. -ENOMEM, negative
// errno.
#define PROCESS_BELOW_MAX 4096u
typedef bool process_spare_fn(void *arg, pid_t pid);
int process_below(pid_t root, process_spare_fn *spare, void *arg, struct buf *ret);
// Calls `each` for every child of the calling process. Blocking for the time of reading /proc.
void process_children(void (*each)(void *arg, pid_t pid), void *arg);
