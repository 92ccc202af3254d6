// FNV-1a, 64 bits (http://www.isthe.com/chongo/tech/comp/fnv/): distinguishes things that were not
// made alike on purpose. Not collision-resistant.
#pragma once
#include <stddef.h>
#include <stdint.h>

#define HASH_BEGIN UINT64_C(0xcbf29ce484222325)

static inline uint64_t hash_add(uint64_t hash, const void *data, size_t len)
{
    const uint8_t *at = data;
    for (size_t i = 0; i < len; i++)
        hash = (hash ^ at[i]) * UINT64_C(0x100000001b3);
    return hash;
}
