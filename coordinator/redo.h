// Chunks that failed, kept as the source gave them, so that a detached job's failures can be run
// again without its source.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

#define REDO_CHUNKS_MAX 65536u // that are kept of a job
#define REDO_BYTES_MAX (64u << 20)

struct delivery;
struct run;

struct redo {
    uint8_t kind; // enum run_kind
    uint64_t item_first;
    uint64_t items;
    uint64_t items_per_chunk;
    struct slice payload;
};

struct redo_list {
    struct redo *list;
    size_t n;
    uint64_t bytes;
    bool is_short; // more failed than are kept
};

void redo_done(struct redo_list *list);
// Copies the failed chunk of a delivery to the end. Without room or memory the list is short.
void redo_keep(struct redo_list *list, const struct delivery *d);
// The same chunks, with counts of their own. -ENOMEM.
int redo_copy(const struct redo_list *from, struct redo_list *ret);
// One chunk as a run of one; its payload moves. -ENOMEM: nothing moved.
int redo_run(struct redo *redo, struct run *ret);
