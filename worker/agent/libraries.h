// Kernels' libraries on this machine. A plan names a path and a digest: the file at that path is
// copied when it has the digest, else there is a copy that the coordinator sent. Copies are memory
// that executors open through /proc (memfd_create(2)): nothing remains, however the worker dies,
// and a file that is replaced or changed during a job changes nothing of it.
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "base/buf.h"
#include "base/digest.h"
#include "base/err.h"

#define LIBRARIES_BYTES_MAX (256u << 20) // of copies; then those that no job uses make room
#define LIBRARIES_FILES_MAX 64           // whose digests are remembered

struct libraries {
    LIST_HEAD(, cached_library) copies; // last used first
    LIST_HEAD(, library_file) files;    // last seen first
    size_t bytes;                       // of copies
    size_t n_files;
};

void libraries_done(struct libraries *libraries);
// Finds each library of a packed step (pipelines/plan.h) and appends the step to `out` with their
// places in it. 1: all were found. 0: one is missing, *ret_missing. Negative errno with text: the
// bytes make no sense. Blocking: reads files that were not seen before.
int libraries_resolve(struct libraries *libraries, uint64_t job, const void *packed, size_t len,
                      struct buf *out, uint8_t ret_missing[DIGEST_BYTES], struct err *err);
// A copy came. -EBADMSG: it has another digest; -ENOSPC: all the room is in use by jobs; -ENOMEM.
int libraries_add(struct libraries *libraries, const uint8_t digest[DIGEST_BYTES], const void *data,
                  size_t len);
// The job is over and uses none. 0: all jobs.
void libraries_release(struct libraries *libraries, uint64_t job);
