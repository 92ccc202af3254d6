// A `pipe` stage: one program that reads the chunk's data.
#pragma once
#include "worker/executor/chunk_run.h"

// 0, or -1 when the chunk has failed.
int pipe_run(struct chunk_run *c, struct recipe_stage *s, struct input *in, struct output *out);
