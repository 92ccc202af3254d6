// A lease as the worker keeps it: copied once and shared by count, since backlog and slots point
// into it until its last chunk is answered.
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "proto/message.h"
#include "worker/pool/pool_step.h"

struct lease_copy {
    unsigned refs;
    struct pool_step *step;
    struct lease lease; // lens and body point into this allocation
    uint32_t *offsets;  // where each chunk's payload begins, and the end of the last; NULL: none
};
// Copies the lease. One count for the caller. -ENOMEM.
int lease_copy_new(struct pool_step *step, const struct lease *lease, struct lease_copy **ret);
void lease_copy_unref(struct lease_copy *copy);
// Payload bytes of chunks from .. to-1.
static inline size_t lease_copy_bytes(const struct lease_copy *copy, uint32_t from, uint32_t to)
{
    return copy->offsets ? copy->offsets[to] - copy->offsets[from] : 0;
}
// A result of chunk `index` of the lease: how it ended, and words for a person, which are borrowed;
// NULL: none.
struct result lease_copy_result(const struct lease_copy *copy, uint32_t index, struct ending ending,
                                const char *text);
