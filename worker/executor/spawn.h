// Runs one program: its output whole, its process group ended when it is cancelled or takes too
// long, and what it leaves running dealt with (leftovers.h). Used by commands and pipes, in an
// executor.
#pragma once
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "pipelines/plan.h"
#include "proto/message.h"
#include "worker/executor/start.h"

struct chunk_run;

#define SPAWN_GRACE_NS (5 * 1000000000ll) // between TERM and KILL

struct spawn {
    const char *path; // of the program
    char *const *argv;
    char *const *envp;
    const char *directory;
    const void *input; // for its stdin; NULL: /dev/null
    size_t input_len;
    bool input_is_file;      // it can be read from any place, and again
    const sigset_t *blocked; // signals, in the program
    int64_t timeout_ns;      // 0: none
    uint32_t nice;           // added to ours
    enum leftovers leftovers;
    int64_t leftovers_wait_ns;
};

enum spawn_at {
    SPAWN_AT_FORK = START_AT_FORK,
    SPAWN_AT_FILES = START_AT_FILES,
    SPAWN_AT_FOLDER = START_AT_FOLDER,
    SPAWN_AT_PROGRAM = START_AT_PROGRAM,
    SPAWN_AT_PIPES,
    SPAWN_AT_OUTPUT, // it ran, and its output is lost
};

struct spawn_end {
    int error;  // negative errno: it could not be started, or -ENOBUFS, -ENOMEM: its output is lost
    int status; // as waitpid gives it, when error is 0
    bool timed_out;
    bool cancelled;
    enum spawn_at at; // of an error
};

// Appends stdout to `out`, keeps stderr's tail in the chunk. Blocks until the program and all that
// it started have ended, or are kept; what became of the latter is in the chunk's note.
void spawn_run(struct chunk_run *c, const struct spawn *s, struct buf *out, struct spawn_end *ret);
