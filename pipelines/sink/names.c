#include "pipelines/sink/names.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"

#define SLOTS_MIN 256u

void names_done(struct names *names)
{
    free(names->slots);
    *names = (struct names){0};
}

// The hash's slot, or the free one where it belongs.
static uint64_t *find(uint64_t *slots, size_t cap, uint64_t hash)
{
    size_t at = (size_t)hash & (cap - 1);
    while (slots[at] && slots[at] != hash)
        at = (at + 1) & (cap - 1);
    return &slots[at];
}

static int make_room(struct names *names)
{
    size_t cap = names->cap ? names->cap * 2 : SLOTS_MIN;
    if (names->len * 2 < names->cap)
        return 0;
    uint64_t *slots = calloc(cap, sizeof(*slots));
    if (!slots)
        return -ENOMEM;
    for (size_t i = 0; i < names->cap; i++)
        if (names->slots[i])
            *find(slots, cap, names->slots[i]) = names->slots[i];
    free(names->slots);
    names->slots = slots;
    names->cap = cap;
    return 0;
}

int names_add(struct names *names, const char *name)
{
    uint64_t hash = hash_add(HASH_BEGIN, name, strlen(name));
    int r = make_room(names);
    if (r < 0)
        return r;
    uint64_t *slot = find(names->slots, names->cap, hash ? hash : 1);
    if (*slot)
        return 1;
    *slot = hash ? hash : 1;
    names->len++;
    return 0;
}
