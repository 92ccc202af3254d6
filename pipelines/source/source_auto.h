// How many items `chunk: auto` puts into a chunk. Only source*.c include it.
#pragma once
#include <stdint.h>

#include "pipelines/source/source.h"

#define SOURCE_AUTO_NS (50 * 1000000ll) // work that a chunk of CHUNK_AUTO aims at
#define SOURCE_AUTO_BYTES (1u << 20)    // items of CHUNK_AUTO fill a chunk up to here
#define SOURCE_AUTO_RANGE 64u // first chunks of a range: numbers are cheap, leases are not

struct auto_items {
    uint64_t items;       // now
    uint64_t chunks;      // given since the last change
    int64_t mean_then_ns; // mean run time at the last change; 0: none was known
};
// Looks at the want and returns the size of the next chunks. `remaining` items, UINT64_MAX:
// unknown.
uint64_t auto_items_next(struct auto_items *a, const struct source_want *want, uint64_t remaining);
