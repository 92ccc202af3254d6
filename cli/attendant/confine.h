// What an attendant may touch. Jobs of this machine's own user: all that the user may, but for the
// coordinator's own folders. Jobs that came over the network: what lies below the folders that the
// operator named, by Landlock, so that neither links nor faults of ours lead out of them.
#pragma once
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

#define CONFINE_ROOTS_MAX 64 // of each kind
#define CONFINE_FENCES_MAX 4

struct confine {
    const char *fences[CONFINE_FENCES_MAX + 1]; // NULL at the end: real paths
    const char *reads[CONFINE_ROOTS_MAX];       // real paths
    size_t n_reads;
    const char *writes[CONFINE_ROOTS_MAX];
    size_t n_writes;
};

// Keeps this thread from all files but those below the roots, for ever. -ENOTSUP with text where
// the kernel can't.
int confine_to_roots(const struct confine *c, struct err *err);
// Adds to the text of an error that the confinement may have caused.
void confine_explain(const struct confine *c, bool writes, int code, struct err *err);
