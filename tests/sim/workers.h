// What the files of the simulated workers share.
#pragma once
#include "world.h"

struct sim_worker *worker_of(struct world *w, uint64_t id);
int64_t link_time(struct world *w, int64_t *last);
void sim_chunk_free(struct sim_chunk *chunk);
bool worker_arrives(struct world *w, uint64_t id);
void worker_send_credit(struct world *w, struct sim_worker *worker, uint32_t window);
void worker_send_final(struct world *w, struct sim_worker *worker, const struct sim_chunk *chunk,
                       uint8_t outcome);
void worker_return_queued(struct world *w, struct sim_worker *worker, uint64_t job);
// Says that the chunk of a slot has begun.
void worker_send_begun(struct world *w, struct sim_worker *worker, uint32_t slot);
// No other worker that is heard has this attempt of the chunk.
void workers_expect_free(struct world *w, const struct sim_worker *worker,
                         const struct sim_chunk *chunk);
void worker_start_runs(struct world *w, struct sim_worker *worker);
