// A program while it runs: its output, and how it is ended. spawn.c and leftovers.c use it.
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "worker/executor/spawn.h"

struct running {
    struct chunk_run *chunk;
    const struct spawn *spawn;
    pid_t pid;
    int in;  // write end of its stdin; -1: done
    int out; // read end of its stdout; -1: at the end
    int err;
    size_t written;
    struct buf *output;
    int64_t kill_at; // page_time; CLOCK_FOREVER: nothing is due
    int64_t term_at;
    struct spawn_end *end;
    bool killed;
};

// Reads once from `out` or `err`. False at the end.
bool running_read(struct running *r, int *fd, bool is_stderr);
// What both outputs hold now. Others may write on.
void running_drain(struct running *r);
// Empties the signalfd. True when the chunk was cancelled just now.
bool running_take_signals(const struct running *r);
// For poll(): -1 for CLOCK_FOREVER. Deadlines are of page_time().
int running_wait_ms(const struct running *r, int64_t deadline);
void running_close(int *fd);
// Sends the signal to its group; KILL follows TERM in time. What it writes is no longer fed.
void running_stop(struct running *r, int signal_number);
