// --spool-limit and --spool-dir: where results that wait may go, and how many bytes of them.
#pragma once
#include <stdint.h>

struct spool_args {
    const char *limit; // as given
    const char *given; // directory as given; NULL
    // set by spool_args_check
    uint64_t bytes;        // 0: the coordinator's default
    const char *directory; // the given one, $TMPDIR or /tmp; borrowed
};
#define SPOOL_ARGS(s)                                                                              \
    {0,        "spool-limit",                                                                      \
     ARG_TEXT, &(s).limit,                                                                         \
     "SIZE",   "bytes of a job's results that may wait; then no more begins. Default: 1GiB"},      \
    {                                                                                              \
        0, "spool-dir", ARG_TEXT, &(s).given, "DIR", "where those that don't fit in memory wait"   \
    }

// 0, or -EINVAL, told; *ret_status is the exit status then.
int spool_args_check(const char *command, struct spool_args *args, int *ret_status);
