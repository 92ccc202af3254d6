// A slot's page: a few words in memory that agent, zygote and executor share, so that each can see
// without asking what a slot is doing. It survives the executor, which makes blame exact: the chunk
// that `running` names is the one that was running when the executor died.
//
// Chunks are named by serials: the agent numbers what it sends to one executor from 1 on.
#pragma once
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "proto/limits.h"
#include "worker/kept.h"

struct page {
    // Written by the executor.
    _Alignas(64) _Atomic uint64_t running; // serial of the chunk that runs now; 0: none
    _Atomic int64_t deadline;              // monotonic ns by which a kernel must be done; 0: none
    _Atomic uint64_t done;                 // progress that a kernel reported, and out of how much
    _Atomic uint64_t total;
    _Atomic int32_t group; // process group of the command that runs now; 0: none
    // Written by the agent.
    _Alignas(64) _Atomic uint64_t cancel; // serial of the chunk that should end soon
    _Atomic uint64_t recall_from;         // serials in [from, to) must not begin
    _Atomic uint64_t recall_to;
    _Atomic int64_t paused_ns; // for how long everything stood still, in all
};

// What the processes of a worker share. Untouched pages cost nothing, so every possible slot has
// one.
struct shared {
    struct page pages[PROTO_SLOTS_MAX];
    struct kept kept;
    _Atomic uint32_t slots_used; // one past the highest slot that ever had an executor
};

static inline void page_reset(struct page *page)
{
    atomic_store(&page->running, 0);
    atomic_store(&page->deadline, 0);
    atomic_store(&page->done, 0);
    atomic_store(&page->total, 0);
    atomic_store(&page->group, 0);
    atomic_store(&page->cancel, 0);
    atomic_store(&page->recall_from, 0);
    atomic_store(&page->recall_to, 0);
}

// The time that counts for a chunk: without pauses, in which everything stands still. ns.
static inline int64_t page_time(const struct page *page)
{
    return clock_now() - atomic_load_explicit(&page->paused_ns, memory_order_relaxed);
}

// The executor begins a chunk. False when it was recalled: then it must not run. Both sides write
// first and look afterwards, sequentially consistent: the agent either sees the chunk begun, or the
// executor sees it recalled, or both; both is answered by WIRE_SKIPPED.
static inline bool page_begin(struct page *page, uint64_t serial)
{
    atomic_store(&page->running, serial);
    return serial >= atomic_load_explicit(&page->recall_to, memory_order_seq_cst) ||
           serial < atomic_load_explicit(&page->recall_from, memory_order_seq_cst);
}

static inline bool page_cancelled(const struct page *page, uint64_t serial)
{
    return atomic_load_explicit(&page->cancel, memory_order_relaxed) == serial;
}
