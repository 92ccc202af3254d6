// How many CPUs this process may use.
#pragma once
#include <stdint.h>

// By affinity and by the CPU quota of its cgroup (version 1 or 2), a part of a CPU counting as a
// whole one. At least 1. Blocking: reads a few small files.
uint32_t cpus_available(void);
