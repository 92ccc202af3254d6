#include "base/grow.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define ROOM_MIN 1u // most lists of a chunk have one element

// Elements that a list of `n` has room for; 0 if that exceeds the address space.
static size_t room_for(size_t n)
{
    size_t room = ROOM_MIN;
    while (room && room < n)
        room *= 2;
    return room;
}

int grow_bytes(void *list, size_t n, size_t more, size_t size)
{
    if (more > SIZE_MAX - n)
        return -ENOMEM;
    size_t room = room_for(n + more);
    if (n && room == room_for(n))
        return 0;
    void *now;
    memcpy(&now, list, sizeof(now));
    void *grown = room && room <= PTRDIFF_MAX / size ? realloc(now, room * size) : NULL;
    if (!grown)
        return -ENOMEM;
    memcpy(list, &grown, sizeof(grown));
    return 0;
}
