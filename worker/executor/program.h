// What a command and a pipe share: argv, environment and directory of a run, and what its end
// means.
#pragma once
#include <stddef.h>

#include "worker/executor/chunk_run.h"

struct program_item {
    const char *item; // NULL: placeholders of an item are unknown here
    size_t item_len;
    const struct row *row; // the item's fields; NULL: none
    uint64_t seq;
    const void *input; // stdin; NULL: none
    size_t input_len;
    struct input *batch; // of a batch command: item number `batch_at` and those after it
    size_t batch_at;
    size_t taken; // set by program_run: how many items the program got
};

// Fills in the stage's templates, runs the program and appends its output. 0, or -1: the chunk
// failed, and the reason is set.
int program_run(struct chunk_run *c, struct recipe_stage *s, struct program_item *item,
                struct output *out);
