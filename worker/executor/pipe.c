#include "worker/executor/pipe.h"

#include <errno.h>

#include "worker/executor/program.h"

int pipe_run(struct chunk_run *c, struct recipe_stage *s, struct input *in, struct output *out)
{
    size_t len;
    const void *data = input_data(in, &len);
    if (!data)
        return chunk_run_fail(c, OUTCOME_LIMIT, -ENOMEM, "no memory for the chunk's input");
    struct program_item run = {.seq = c->item_first + 1, .input = data, .input_len = len};
    out->n = 1;
    return program_run(c, s, &run, out);
}
