// How long the last chunks of a step took: their median says what is unusual.
#pragma once
#include <stdint.h>

#define TIMES_MAX 63   // the last so many
#define TIMES_ENOUGH 3 // fewer say nothing

struct times {
    int64_t ns[TIMES_MAX]; // a ring
    uint32_t n;            // so many are in it
    uint32_t next;
};

void times_add(struct times *times, int64_t ns);
// 0: fewer than TIMES_ENOUGH are known.
int64_t times_median(const struct times *times);
