// Every flag of GNU parallel (its manual of 2022-11-22): what stands for it here. The parser, the
// guide and `fanmill help parallel` read the same table.
#pragma once
#include "base/buf.h"
#include "cli/args/args.h"

// In the order of parallel's manual; ends with a NULL.
extern const struct arg_foreign from_parallel[];
// The table as text of 80 columns. -ENOMEM.
int from_parallel_write(struct buf *out);
