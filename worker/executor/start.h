// Starts one program in a child: its standard files, its folder, its signals, then exec.
#pragma once
#include <stdbool.h>
#include <sys/types.h>

struct chunk_run;
struct spawn;

// How long a program is waited for that the machine has no process for, when others of its chunk
// have run. If it is the first, the chunk goes back to the agent instead.
#define START_FULL_NS (60 * 1000000000ll)
#define START_BUSY_NS (5 * 1000000000ll) // a program that is open for writing is waited for

struct start_files {
    int in; // -1: what the executor has
    int out;
    int err;
};

enum start_at { START_AT_FORK, START_AT_FILES, START_AT_FOLDER, START_AT_PROGRAM };

// The child's pid, or negative errno and *ret_at, where it failed; then no child is left. A script
// without a first line `#!` is run by /bin/sh, as shells do. While another process has the program
// open for writing (ETXTBSY) it is tried again, up to START_BUSY_NS or until the chunk is
// cancelled. Blocking.
pid_t start_program(struct chunk_run *c, const struct spawn *s, const struct start_files *files,
                    enum start_at *ret_at);

// The machine has no more of what a process takes, for now.
bool start_is_refused(int error);

// Why `path` can't be run though it is there, for people: its interpreter is missing, or it is of
// another machine. `error` is what exec said. False: there is no such file.
bool start_explain(const char *path, const char *directory, int error, char *ret, size_t size);
