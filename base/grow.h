// Arrays that grow at their end, without a field for their capacity: room comes in powers of two,
// so the number of elements implies the capacity. Adding n elements one by one costs O(n).
#pragma once
#include <stddef.h>

// Makes room for `more` elements after the first `n` of `list`. The list starts as NULL; it is
// given room by this alone, and free() frees it. `n` stays the caller's to count, and may shrink.
// 0, or -ENOMEM with the list as it was.
#define grow(list, n, more) grow_bytes(&(list), n, more, sizeof(*(list)))
int grow_bytes(void *list, size_t n, size_t more, size_t size);
