#include "worker/cpus.h"

#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"

#define CGROUP_ROOT "/sys/fs/cgroup"

static uint32_t by_affinity(void)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof(set), &set) < 0)
        return UINT32_MAX; // more CPUs than the set holds: no limit
    return (uint32_t)CPU_COUNT(&set);
}

// quota and period in microseconds; a quota below 1 means none.
static uint32_t round_up(long long quota, long long period)
{
    if (quota < 1 || period < 1)
        return UINT32_MAX;
    long long cpus = (quota + period - 1) / period;
    return cpus < UINT32_MAX ? (uint32_t)cpus : UINT32_MAX;
}

static uint32_t read_v2(const char *directory)
{
    char path[4200];
    long long quota = 0, period = 0;
    snprintf(path, sizeof(path), CGROUP_ROOT "%s/cpu.max", directory);
    _fclose_ FILE *f = fopen(path, "re");
    // "max 100000" when there is no quota.
    if (!f || fscanf(f, "%lld %lld", &quota, &period) != 2)
        return UINT32_MAX;
    return round_up(quota, period);
}

static long long read_number(const char *controller, const char *directory, const char *file)
{
    char path[4200];
    long long value = -1;
    snprintf(path, sizeof(path), CGROUP_ROOT "/%s%s/%s", controller, directory, file);
    _fclose_ FILE *f = fopen(path, "re");
    if (!f || fscanf(f, "%lld", &value) != 1)
        return -1;
    return value;
}

static uint32_t read_v1(const char *directory)
{
    static const char *const names[] = {"cpu", "cpu,cpuacct"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        long long quota = read_number(names[i], directory, "cpu.cfs_quota_us");
        if (quota > 0)
            return round_up(quota, read_number(names[i], directory, "cpu.cfs_period_us"));
    }
    return UINT32_MAX;
}

// Inside a container the path that the kernel names may not exist: then the root is ours.
static uint32_t with_parents(char *directory, uint32_t (*read)(const char *))
{
    uint32_t least = UINT32_MAX;
    for (;;) {
        uint32_t cpus = read(directory);
        if (cpus < least)
            least = cpus;
        char *slash = strrchr(directory, '/');
        if (!slash)
            return least;
        *slash = '\0';
    }
}

static uint32_t by_cgroup(void)
{
    char line[4096];
    uint32_t least = UINT32_MAX;
    _fclose_ FILE *f = fopen("/proc/self/cgroup", "re");
    while (f && fgets(line, sizeof(line), f)) {
        line[strcspn(line, "\n")] = '\0';
        char *controllers = strchr(line, ':');
        char *directory = controllers ? strchr(controllers + 1, ':') : NULL;
        if (!directory)
            continue;
        *directory++ = '\0';
        bool is_v2 = controllers[1] == '\0';
        if (!is_v2 && !strstr(controllers, "cpu"))
            continue;
        uint32_t cpus = with_parents(directory, is_v2 ? read_v2 : read_v1);
        if (cpus < least)
            least = cpus;
    }
    return least;
}

uint32_t cpus_available(void)
{
    uint32_t affinity = by_affinity();
    uint32_t cgroup = by_cgroup();
    uint32_t cpus = affinity < cgroup ? affinity : cgroup;
    return cpus == 0 || cpus == UINT32_MAX ? 1 : cpus;
}
