// A job that this command runs to its end: what `run`, `map`, `pipe` and `call` have in common once
// there is a plan. The coordinator and the worker are this command's own, or those of --connect;
// what comes out is the same, byte for byte.
#pragma once
#include "cli/args.h"
#include "cli/connect.h"
#include "pipelines/plan.h"

struct run_options {
    struct connect connect;
    uint32_t slots; // 0: the CPUs this process may use
    bool json;      // records as lines of JSON on stdout
    bool quiet;
    int verbose;
    enum color color;
    enum progress progress;
    uint64_t spool_limit; // bytes; 0: the usual
    bool propagate;       // the exit status is that of the first failed chunk
    bool dry_run;         // tell the commands, run nothing
};

// Flags that only say how a job is run and shown. For the end of a table.
#define RUN_ARGS(o)                                                                                \
    CONNECT_ARGS((o).connect),                                                                     \
        {0, "progress", ARG_PROGRESS, &(o).progress, "WHEN", "auto, always, never or json"},       \
        {0,        "spool-limit",                                                                  \
         ARG_SIZE, &(o).spool_limit,                                                               \
         "SIZE",   "results that wait in memory and on disk; 1GiB"},                               \
        {0,        "propagate",                                                                    \
         ARG_FLAG, &(o).propagate,                                                                 \
         NULL,     "the exit status is that of the first chunk that failed"},                      \
        {0, "dry-run", ARG_FLAG, &(o).dry_run, NULL, "print what would be run, run nothing"},      \
        {'q', "quiet", ARG_FLAG, &(o).quiet, NULL, "no failures, no progress, no last line"},      \
        {'v', "verbose", ARG_COUNT, &(o).verbose, NULL, "every failure, and what happens"},        \
    {                                                                                              \
        0, "color", ARG_WHEN, &(o).color, "WHEN", "auto, always or never"                          \
    }

// Takes the plan over. Blocking, with a loop of its own: to be called outside of one, before any
// ZeroMQ context and thread. Returns the exit status; what goes wrong is told on stderr.
int run_plan(struct plan *plan, const struct run_options *options);
// True when the job goes to a coordinator elsewhere: --connect or FANMILL_CONNECT.
bool run_is_remote(const struct run_options *options);
// Slots of this machine, as -j says.
uint32_t run_slots(const struct run_options *options);
