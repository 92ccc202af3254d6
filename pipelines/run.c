#include "pipelines/run.h"

#include <stdlib.h>

void run_done(struct run *run)
{
    slice_drop(&run->body);
    free(run->lens);
    *run = (struct run){0};
}
