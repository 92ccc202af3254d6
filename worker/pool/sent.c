#include "worker/pool/sent.h"

#include <errno.h>
#include <stdlib.h>

void sent_reset(struct sent_ring *ring)
{
    for (uint32_t i = 0; i < ring->n; i++)
        if (sent_at(ring, i)->copy)
            lease_copy_unref(sent_at(ring, i)->copy);
    ring->head = ring->n = ring->n_ghosts = 0;
    ring->next_serial = 1;
}

void sent_done(struct sent_ring *ring)
{
    sent_reset(ring);
    free(ring->places);
    *ring = (struct sent_ring){0};
}

int sent_reserve(struct sent_ring *ring, uint32_t more)
{
    uint32_t cap = ring->cap ? ring->cap : 16;
    while (cap < ring->n + more)
        cap *= 2;
    if (cap == ring->cap)
        return 0;
    struct sent *places = calloc(cap, sizeof(*places));
    if (!places)
        return -ENOMEM;
    for (uint32_t i = 0; i < ring->n; i++)
        places[i] = *sent_at(ring, i);
    free(ring->places);
    ring->places = places;
    ring->cap = cap;
    ring->head = 0;
    return 0;
}

void sent_push(struct sent_ring *ring, struct lease_copy *copy, uint32_t at, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        *sent_at(ring, ring->n) = (struct sent){.copy = copy, .index = at + i};
        ring->n++;
    }
    copy->refs += n;
    ring->next_serial += n;
}

struct sent sent_pop(struct sent_ring *ring)
{
    struct sent first = *sent_at(ring, 0);
    ring->head = (ring->head + 1) & (ring->cap - 1);
    ring->n--;
    if (!first.copy)
        ring->n_ghosts--;
    return first;
}

void sent_make_ghost(struct sent_ring *ring, uint32_t i)
{
    struct sent *sent = sent_at(ring, i);
    lease_copy_unref(sent->copy);
    sent->copy = NULL;
    ring->n_ghosts++;
}
