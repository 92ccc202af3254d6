// --spool-limit and --spool-dir: where results that wait may go, and how many bytes of them.
#pragma once
#include "cli/args/args.h"

struct spool_options {
    uint64_t bytes;        // 0: the coordinator's default
    const char *given;     // the directory as given; NULL
    const char *directory; // set by spool_check: the given one, $TMPDIR or /tmp; borrowed
};
extern const struct arg spool_flags[]; // of struct spool_options

// 0, or -EINVAL, reported; *ret_status is the exit status then.
int spool_check(const char *command, struct spool_options *options, int *ret_status);
