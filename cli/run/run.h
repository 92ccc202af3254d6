// A job that this command runs to its end: what `run`, `map`, `pipe` and `call` have in common once
// there is a plan. The coordinator and the worker are this command's own, or those of --connect;
// what comes out is the same, byte for byte.
#pragma once
#include "cli/args/args.h"
#include "cli/follow/connect.h"
#include "cli/follow/progress.h"
#include "cli/run/spooling.h"
#include "pipelines/plan.h"

struct run_options {
    struct connect connect;
    struct args_list hosts; // --host
    uint32_t slots;         // 0: the CPUs this process may use
    bool json;              // records as lines of JSON on stdout
    bool quiet;
    int verbose;
    enum color color;
    const char *progress_word;
    struct spool_args spool;
    bool offers;    // --jobserver
    bool propagate; // the exit status is that of the first failed chunk
    bool dry_run;   // tell the commands, run nothing
    // set by run_begin and run_check
    enum progress_mode progress;
    struct jobserver *jobserver; // of the make that began us; NULL
    int joined;                  // negative errno: it is out of reach
};

// Flags that only say how a job is run and shown. For the end of a table.
#define RUN_ARGS(o)                                                                                  \
    {0, "dry-run", ARG_FLAG, &(o).dry_run, NULL, "print what would be run, run nothing"},            \
        CONNECT_ARGS((o).connect),                                                                   \
        {0,        "host",                                                                           \
         ARG_LIST, &(o).hosts,                                                                       \
         "HOSTS",  "run on these by ssh: [user@]host[:port][/slots],...; @FILE; : is this machine"}, \
        SPOOL_ARGS((o).spool),                                                                       \
        {0,        "jobserver",                                                                      \
         ARG_FLAG, &(o).offers,                                                                      \
         NULL,     "let make, ninja and others below share the slots: offer them a jobserver"},      \
        {0,        "propagate",                                                                      \
         ARG_FLAG, &(o).propagate,                                                                   \
         NULL,     "the exit status is that of the first chunk that failed"},                        \
        {'q', "quiet", ARG_FLAG, &(o).quiet, NULL, "no failures, no progress, no last line"},        \
        {'v', "verbose", ARG_COUNT, &(o).verbose, NULL, "every failure, and what happens"},          \
        {0, "color", ARG_WHEN, &(o).color, "WHEN", "auto, always or never"},                         \
    {                                                                                                \
        0, "progress", ARG_TEXT, &(o).progress_word, "WHEN", "auto, always, never or json"           \
    }

struct jobserver;
// Before anything is opened: what make left open has the numbers it says. run_end in any case.
void run_begin(struct run_options *options);
void run_end(struct run_options *options);
// What the words of flags mean. 0, or -EINVAL, told; *ret_status is the exit status then.
int run_check(const char *command, struct run_options *options, int *ret_status);
// Takes the plan over. Blocking, with a loop of its own: to be called outside of one, before any
// ZeroMQ context and thread. Returns the exit status; what goes wrong is told on stderr.
int run_plan(struct plan *plan, const struct run_options *options);
// True when the job goes to a coordinator elsewhere: --connect or FANMILL_CONNECT.
bool run_is_remote(const struct run_options *options);
// Slots of this machine, as -j says.
uint32_t run_slots(const struct run_options *options);
