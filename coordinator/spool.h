// Results that wait in the core, for an earlier one or for a slow consumer. The first SPOOL_MEMORY
// bytes stay in the messages they came in; what comes when so much waits already goes to one
// unlinked file, in segments that are mapped for reading as long as a result of theirs waits. So a
// result costs neither memory nor a descriptor of its own. How much may wait at all is the core's
// to say: it hands nothing more out then.
#pragma once
#include <stdint.h>

#include "base/slice.h"

#define SPOOL_MEMORY (64ull << 20)
#define SPOOL_SEGMENT (16u << 20) // of the file, and of one mapping
#define SPOOL_RESULT_MIN 512u     // smaller ones are not worth a write

struct spool;

// Opens nothing yet. Borrows the directory. -ENOMEM.
int spool_new(const char *directory, struct spool **ret);
// All slices must be dropped. Accepts NULL. Returns NULL.
struct spool *spool_free(struct spool *spool);
// Writes the bytes and gives a slice of them; blocking. `body` is at most SPOOL_SEGMENT and stays
// the caller's. -ENOSPC, -EFBIG, -EDQUOT, -EIO, -ENOMEM, ...: nothing is kept, and a later call may
// succeed again.
int spool_put(struct spool *spool, const struct slice *body, struct slice *ret);
// Bytes of the results that are in the file now, with those of their segments that are over.
uint64_t spool_bytes(const struct spool *spool);
