// The failed chunks of a detached job, kept as the source gave them, so that they can be run again
// without the source.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"
#include "proto/client.h"

#define REDO_CHUNKS_MAX 65536u // kept of one job
#define REDO_BYTES_MAX (64u << 20)

struct delivery;
struct run;

struct redo {
    uint64_t chunk; // its number
    uint8_t kind;   // enum run_kind
    uint64_t item_first;
    uint64_t items;
    uint64_t items_per_chunk;
    struct slice payload;
};

struct redo_list {
    struct redo *list;
    size_t n;
    uint64_t bytes;
    bool is_short; // more chunks failed than are kept
};

void redo_done(struct redo_list *list);
// Appends a copy of a delivery's failed chunk. Without room or memory the list becomes short.
void redo_keep(struct redo_list *list, const struct delivery *d);
// The same chunks, those in the `n` ranges or, if there are none, all, with counts of their own on
// the payloads. -ENOMEM.
int redo_copy(const struct redo_list *from, const struct chunk_range *ranges, uint32_t n,
              struct redo_list *ret);
// Makes a run of the one chunk, with its own number if `fed` are used up before it; its payload
// moves into it. -ENOMEM: nothing was moved.
int redo_run(struct redo *redo, uint64_t fed, struct run *ret);
// In order of number: jobs that deliver as they complete fail in another one.
void redo_sort(struct redo_list *list);
