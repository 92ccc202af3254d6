// A `kernel` stage: a C function, called in this process.
#pragma once
#include "worker/executor/chunk_run.h"

// 0, or -1 when the chunk has failed.
int kernel_run(struct chunk_run *c, struct recipe_stage *s, struct input *in, struct output *out);
