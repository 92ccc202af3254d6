#include "base/slice.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void slab_free(struct slab *slab)
{
    free(slab);
}

struct slab *slab_new(size_t len)
{
    if (len > SIZE_MAX - sizeof(struct slab))
        return NULL;
    struct slab *slab = malloc(sizeof(*slab) + len);
    if (!slab)
        return NULL;
    *slab =
        (struct slab){.refs = 1, .destroy = slab_free, .data = (uint8_t *)(slab + 1), .len = len};
    return slab;
}

struct slab *slab_ref(struct slab *slab)
{
    assert(slab->refs > 0);
    slab->refs++;
    return slab;
}

struct slab *slab_unref(struct slab *slab)
{
    if (!slab)
        return NULL;
    assert(slab->refs > 0);
    if (--slab->refs == 0)
        slab->destroy(slab);
    return NULL;
}

struct slice slice_of(struct slab *slab, size_t offset, size_t len)
{
    assert(offset <= slab->len && len <= slab->len - offset);
    return (struct slice){.slab = slab_ref(slab), .data = slab->data + offset, .len = len};
}

int slice_copy(const void *data, size_t len, struct slice *ret)
{
    struct slab *slab = slab_new(len);
    if (!slab)
        return -ENOMEM;
    if (len)
        memcpy(slab->data, data, len);
    *ret = (struct slice){.slab = slab, .data = slab->data, .len = len};
    return 0;
}

struct slice slice_ref(const struct slice *slice)
{
    if (slice->slab)
        slab_ref(slice->slab);
    return *slice;
}

void slice_drop(struct slice *slice)
{
    slab_unref(slice->slab);
    *slice = (struct slice){0};
}
