// Limits that users meet, as tables of the code's own constants, for the manual page. Those of a
// job file are here; a program adds what its other parts set.
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

enum limit_unit { LIMIT_COUNT, LIMIT_BYTES, LIMIT_SECONDS };

struct limit {
    const char *what; // code in backticks
    uint64_t number;
    enum limit_unit unit;
    const char *then; // what happens at it; NULL: it is refused
};

extern const struct limit job_limits[];
extern const size_t n_job_limits;

// "1,000", "64 bytes", "16 MiB", "30 days". -ENOMEM, -ENOBUFS.
int limit_number(enum limit_unit unit, uint64_t number, struct buf *out);
// The limits as items of a manual page. -ENOMEM, -ENOBUFS.
int limits_man(const struct limit *limits, size_t n, struct buf *out);
