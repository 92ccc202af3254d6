// What `chunk: auto` puts into a chunk. Only source*.c include it, and docs/, which documents it.
#pragma once
#include <stdint.h>

#include "pipelines/source/source.h"

#define AUTO_RUN_NS (50 * 1000000ll) // run time that a chunk of items aims at
#define AUTO_ITEMS_BYTES (1u << 20)  // items fill a chunk up to here
#define AUTO_RANGE_ITEMS 64u       // in the first chunks of a range: leases cost more than numbers
#define AUTO_PIECES 4u             // of the data of files, for each slot
#define AUTO_PIECE_MIN (64u << 10) // bytes of one of them
#define AUTO_PIECE_MAX (8u << 20)
#define AUTO_PIECE_STREAM (1u << 20) // bytes of data that is read in order

struct auto_items {
    uint64_t items;       // now
    uint64_t chunks;      // given since the last change
    int64_t mean_then_ns; // mean run time at the last change; 0: none was known
};
// The size of the next chunks. `remaining` items; UINT64_MAX: unknown.
uint64_t auto_items_next(struct auto_items *a, const struct source_want *want, uint64_t remaining);
