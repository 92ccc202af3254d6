// How one attempt of a chunk ended, and how a job ended. The same struct travels from the executor
// to the consumer and is copied by `=`; only the messages take it apart.
#pragma once
#include <stdbool.h>
#include <stdint.h>

enum outcome {
    OUTCOME_OK = 0,
    OUTCOME_EXIT = 1,         // the command ended with a code that is not 0
    OUTCOME_SIGNAL = 2,       // the command was ended by a signal
    OUTCOME_TIMEOUT = 3,      // the stage's timeout passed
    OUTCOME_CRASH = 4,        // the executor died while it ran the chunk (code: its signal)
    OUTCOME_KERNEL = 5,       // a kernel returned failure
    OUTCOME_INPUT = 6,        // the worker could not read the chunk's input
    OUTCOME_NOT_FOUND = 7,    // command not found (127), library or symbol not found
    OUTCOME_NOT_RUNNABLE = 8, // command found but could not be started (126)
    OUTCOME_LIMIT = 9,        // a named limit was passed: result too large, item too long
    OUTCOME_CANCELLED = 10,   // ended by a CANCEL
    OUTCOME_COUNT,
};
// "ok", "exit", "signal", ... as --json prints them. Never NULL for a valid outcome.
const char *outcome_name(enum outcome outcome);
// 126 and 127: nothing of the chunk ran, so another worker may be able to.
static inline bool outcome_is_unstarted(enum outcome outcome)
{
    return outcome == OUTCOME_NOT_FOUND || outcome == OUTCOME_NOT_RUNNABLE;
}

struct ending {
    enum outcome outcome;
    int32_t code; // exit code, signal number, or negative errno
    int64_t run_ns;
    int64_t cpu_ns; // user + system of the commands; 0 for kernels
    uint64_t maxrss_bytes;
    uint32_t leftovers; // processes of its commands that had to be ended, or are kept
};

enum job_fate {
    FATE_COMPLETE,     // every chunk reached its end
    FATE_CANCELLED,    // ended early, by request
    FATE_FAILURES,     // more chunks failed than allowed; others were left unrun
    FATE_NOT_RUNNABLE, // 126/127: the command can't be run anywhere
    FATE_SOURCE,       // the source failed
    FATE_INTERNAL,     // memory ran out for this job
    FATE_TIMEOUT,      // its time limit passed; the core itself says CANCELLED
    FATE_SINK,         // its sink could not be written
    FATE_NEEDS,        // a job that it needs did not end well: nothing of it ran
    FATE_ENOUGH,       // as many chunks have ended as the plan wants; others were left unrun
    FATE_COUNT,
};
// Whether what was to be run was run: its results are whole, though some chunks may have failed.
static inline bool fate_is_whole(enum job_fate fate)
{
    return fate == FATE_COMPLETE || fate == FATE_ENOUGH;
}
