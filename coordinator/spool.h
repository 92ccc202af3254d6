// Results that wait in the core for an earlier one or for a slow consumer. The first SPOOL_MEMORY
// bytes stay in the messages they came in; further results go to one unlinked file, in segments
// that are mapped for reading as long as one of their results waits. So a result costs neither
// memory nor a descriptor of its own. How much may wait at all is up to the core, which then leases
// nothing more.
#pragma once
#include <stdint.h>

#include "base/slice.h"

#define SPOOL_MEMORY (64ull << 20)
#define SPOOL_SEGMENT (16u << 20) // of the file, and of one mapping
#define SPOOL_RESULT_MIN 512u     // smaller ones are not worth a write

struct spool;

// Opens nothing yet. Borrows the directory. -ENOMEM.
int spool_new(const char *directory, struct spool **ret);
// Opens its file now: no lack of descriptors can keep it from that later.
void spool_reserve(struct spool *spool);
// All slices must be dropped. Accepts NULL. Returns NULL.
struct spool *spool_free(struct spool *spool);
// Writes the bytes and returns a slice of them; blocks. `body` is at most SPOOL_SEGMENT and stays
// the caller's. -ENOSPC, -EFBIG, -EDQUOT, -EIO, -ENOMEM, ...: nothing is kept, and a later call may
// succeed again.
int spool_put(struct spool *spool, const struct slice *body, struct slice *ret);
// Bytes of all results in segments that still hold a waiting one.
uint64_t spool_bytes(const struct spool *spool);
