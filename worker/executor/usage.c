#include "worker/executor/usage.h"

#include "base/clock.h"

void usage_add(struct ending *ending, const struct rusage *usage)
{
    uint64_t rss = (uint64_t)usage->ru_maxrss * 1024;
    ending->cpu_ns += (usage->ru_utime.tv_sec + usage->ru_stime.tv_sec) * NS_PER_S +
                      (usage->ru_utime.tv_usec + usage->ru_stime.tv_usec) * NS_PER_US;
    if (rss > ending->maxrss_bytes)
        ending->maxrss_bytes = rss;
}
