#include "base/clock.h"

#include <time.h>

int64_t clock_now(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * NS_PER_S + ts.tv_nsec;
}

int64_t clock_after(int64_t now, int64_t timeout_ns)
{
    int64_t deadline;
    if (timeout_ns == CLOCK_FOREVER || __builtin_add_overflow(now, timeout_ns, &deadline))
        return CLOCK_FOREVER;
    return deadline;
}
