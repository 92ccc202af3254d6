// A range of numbers, described by arithmetic.
#pragma once
#include <stdbool.h>
#include <stdint.h>

struct range {
    int64_t start;
    int64_t step; // never 0
    uint64_t count;
};

struct pack_writer;
struct pack_reader;

// True when the step is not 0 and every number of the range fits into int64_t.
bool range_ok(const struct range *range);

void range_pack(struct pack_writer *w, const struct range *range);
// Bounded and checked; the reader has failed if it is not a range.
struct range range_unpack(struct pack_reader *r);
