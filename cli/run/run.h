// A job that this command runs to its end: what `run`, `map`, `pipe` and `call` have in common once
// they have a plan. The coordinator and the worker are this command's own, or those of --connect;
// what comes out is the same, byte for byte.
#pragma once
#include "cli/args/args.h"
#include "cli/follow/connect.h"
#include "cli/follow/report.h"
#include "cli/run/spooling.h"
#include "pipelines/plan.h"

struct run_options {
    struct connect connect;
    struct args_list hosts; // --host
    uint32_t slots;         // 0: the CPUs this process may use
    bool json;              // records as lines of JSON on stdout
    struct report_options report;
    struct spool_options spool;
    bool offers;    // --jobserver
    bool propagate; // the exit status is that of the first failed chunk
    bool dry_run;   // print the commands, run nothing
    // set by run_begin
    struct jobserver *jobserver; // of the make that started us; NULL
    int joined;                  // negative errno: it can't be reached
};
// How a job is run and shown, of struct run_options. The flags of its members are in tables of
// their own: RUN_TABLES has them all, for options that hold a struct run_options.
extern const struct arg run_flags[];
#define RUN_TABLE(s, member, flags, heading)                                                       \
    {                                                                                              \
        .list = flags, .offset = offsetof(s, member), .title = heading                             \
    }
#define RUN_TABLES(s, member)                                                                      \
    RUN_TABLE(s, member, run_flags, "Where and how it runs"),                                      \
        RUN_TABLE(s, member.connect, connect_flags, NULL),                                         \
        RUN_TABLE(s, member.spool, spool_flags, NULL),                                             \
        RUN_TABLE(s, member.report, report_flags, "Messages")

struct jobserver;
// To be called before anything is opened: make's descriptors have the numbers that MAKEFLAGS says.
// run_end in any case.
void run_begin(struct run_options *options);
void run_end(struct run_options *options);
// Finds flags that don't go together. 0, or -EINVAL, reported; *ret_status is the exit status then.
int run_check(const char *command, struct run_options *options, int *ret_status);
// Takes the plan over. Blocking, with a loop of its own: to be called outside of one, before any
// ZeroMQ context and thread. Returns the exit status; what goes wrong is reported on stderr.
int run_plan(struct plan *plan, const struct run_options *options);
// Slots of this machine, as -j says.
uint32_t run_slots(const struct run_options *options);
