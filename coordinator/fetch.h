// A part of a file that a worker could not read: the core's wish, ACT_FETCH.
#pragma once
#include <stdint.h>

struct server_job;
struct slice;

// Reads it here, blocking, or asks the client whose source it is.
void fetch_part(struct server_job *job, uint64_t chunk, const struct slice *extent);
