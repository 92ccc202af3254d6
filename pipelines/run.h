// A run: consecutive chunks with the same shape. It is what a source hands to the coordinator, what
// a lease carries to a worker, and why 10^9 chunks cost constant memory: chunks of a range are
// described by arithmetic, chunks of files by extents, and only what can't be described is copied.
#pragma once
#include <stdint.h>

#include "base/slice.h"

enum run_kind {
    RUN_RANGE, // items are numbers: nothing but counts travels. Step.range turns numbers into items
    RUN_BYTES, // each chunk is raw bytes: a piece of data, or a single item as it is
    RUN_ITEMS, // each chunk is a framed list of items (pipelines/frame.h)
    RUN_EXTENT, // each chunk is an encoded extent of a file that the worker reads
                // (pipelines/source/extent.h)
    RUN_KIND_COUNT,
};

struct run {
    enum run_kind kind;
    uint64_t count;      // chunks
    uint64_t skip;       // numbers to leave out before the first: chunks that are not run again
    uint64_t item_first; // number of the first item of the first chunk, from 0; {#} is one more
    uint64_t items_per_chunk; // of every chunk but the last, which ends at item_end
    uint64_t item_end; // one past the last item of the run; unused for data (BYTES of `data:`)
    struct slice body; // payloads of all chunks, back to back; empty for RUN_RANGE
    uint32_t *lens;    // bytes of each chunk's payload, `count` of them; NULL for RUN_RANGE
};

// Frees lens and drops the body. Leaves an empty run. Safe on an empty run.
void run_done(struct run *run);
