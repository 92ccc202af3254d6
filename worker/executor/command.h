// A `command` stage: a program for each item.
#pragma once
#include "worker/executor/chunk_run.h"

// `before`: the output of the stage before; NULL for the first. 0, or -1 when the chunk has failed.
int command_run(struct chunk_run *c, struct recipe_stage *s, struct output *before,
                struct output *out);
