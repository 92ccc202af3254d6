// The one clock: CLOCK_MONOTONIC in nanoseconds. Wall time appears in logs only.
#pragma once
#include <stdint.h>

#define NS_PER_US INT64_C(1000)
#define NS_PER_MS INT64_C(1000000)
#define NS_PER_S INT64_C(1000000000)
#define CLOCK_FOREVER INT64_MAX // a deadline that never comes

int64_t clock_now(void);
// now + timeout without overflow; CLOCK_FOREVER stays CLOCK_FOREVER.
int64_t clock_after(int64_t now, int64_t timeout_ns);
