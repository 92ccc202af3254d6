// How a service logs: the flags that all services share.
#pragma once
#include <stdbool.h>

#include "cli/args/args.h"

struct logging {
    unsigned form; // an index of its words
    bool quiet;
    int verbose;
};
extern const struct arg logging_flags[]; // of struct logging
// Of options that have one as their member `logging`.
#define LOGGING_TABLE(s)                                                                           \
    {                                                                                              \
        .list = logging_flags, .offset = offsetof(s, logging)                                      \
    }

// From here on this process logs as a service does.
void logging_begin(const struct logging *logging);
