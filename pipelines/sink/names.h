// A set of names, by their hashes: whether one came before, as good as surely (64 bits). 16 bytes
// for each at most.
#pragma once
#include <stddef.h>
#include <stdint.h>

struct names {       // zeroed by the user
    uint64_t *slots; // 0: free
    size_t cap;      // power of two
    size_t len;
};

// 1: it is there already; 0: it was added; -ENOMEM.
int names_add(struct names *names, const char *name);
void names_done(struct names *names);
