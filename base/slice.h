// Bytes that several owners share without copying them.
//
// A slab is one allocation (or a foreign buffer with its own destructor) with a count of owners. A
// slice is a part of a slab and holds one count. Counts are not atomic: slabs stay in one thread.
#pragma once
#include <stddef.h>
#include <stdint.h>

struct slab {
    unsigned refs;
    void (*destroy)(struct slab *); // called when refs reaches 0; frees the slab itself, too
    uint8_t *data;
    size_t len;
};

struct slice {
    struct slab *slab; // NULL: the bytes are borrowed or static, and not counted
    const uint8_t *data;
    size_t len;
};

// Returns a slab of `len` uninitialised bytes with one owner, or NULL when out of memory.
struct slab *slab_new(size_t len);
struct slab *slab_ref(struct slab *slab);
// Accepts NULL. Returns NULL.
struct slab *slab_unref(struct slab *slab);

// A part of a slab. Takes a count of its own; the part must lie within the slab.
struct slice slice_of(struct slab *slab, size_t offset, size_t len);
// A copy in a slab of its own. -ENOMEM.
int slice_copy(const void *data, size_t len, struct slice *ret);
// A second owner of the same bytes.
struct slice slice_ref(const struct slice *slice);
// Gives up the count and empties the slice. Accepts an empty slice; safe to call twice.
void slice_drop(struct slice *slice);
