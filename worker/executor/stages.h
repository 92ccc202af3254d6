// The way of a chunk through the stages of its step: what one gives is the next one's input, and
// what comes out of the last is the chunk's result.
#pragma once
#include "worker/executor/chunk_run.h"

// Fills in what came of the chunk. Blocking, as long as the chunk takes.
void stages_run(struct chunk_run *c, const struct input_chunk *input);
