// The chunks that were sent to one executor and not answered yet, oldest first. They are numbered
// by serials, from 1 on for each executor; answers come in the same order.
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "worker/pool/lease_copy.h"

// A ghost was taken back before it began; its WIRE_SKIPPED is still to come.
struct sent {
    struct lease_copy *copy; // NULL: a ghost
    uint32_t index;          // chunk of the lease
    bool cancelled;          // its job was cancelled
    bool over_time;          // it is ended because it took longer than others (straggle.h)
    bool recalled;           // the coordinator wants it back
};

struct sent_ring {
    struct sent *places; // `cap` of them, a power of two
    uint32_t cap;
    uint32_t head;
    uint32_t n;           // entries, ghosts included
    uint32_t n_ghosts;    // of them
    uint64_t next_serial; // of the next chunk; those here are next_serial - n .. next_serial - 1
};

// Empties it for a new executor.
void sent_reset(struct sent_ring *ring);
void sent_done(struct sent_ring *ring);
// Entry 0 .. n-1. Borrowed until the next push.
static inline struct sent *sent_at(const struct sent_ring *ring, uint32_t i)
{
    return &ring->places[(ring->head + i) & (ring->cap - 1)];
}
static inline uint64_t sent_first_serial(const struct sent_ring *ring)
{
    return ring->next_serial - ring->n;
}
// The entry with this serial; n when it is not here.
static inline uint32_t sent_find(const struct sent_ring *ring, uint64_t serial)
{
    uint64_t first = sent_first_serial(ring);
    return serial >= first && serial < ring->next_serial ? (uint32_t)(serial - first) : ring->n;
}
// Makes room for `more` entries. -ENOMEM.
int sent_reserve(struct sent_ring *ring, uint32_t more);
// Adds chunks at .. at+n-1 of a lease, with a count of its own for each. Room was reserved.
void sent_push(struct sent_ring *ring, struct lease_copy *copy, uint32_t at, uint32_t n);
// Takes the first entry out; the caller drops its count of the lease.
struct sent sent_pop(struct sent_ring *ring);
// Makes a ghost of an entry: drops its count of the lease.
void sent_make_ghost(struct sent_ring *ring, uint32_t i);
