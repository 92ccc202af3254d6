// ACT_FETCH: a part of a file that a worker could not read is read where the source is read.
#pragma once
#include <stdint.h>

struct server_job;
struct slice;

// Asks whoever feeds the job for it.
void fetch_part(struct server_job *job, uint64_t chunk, const struct slice *extent);
