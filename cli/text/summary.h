// What a job did, in half a line.
#pragma once
#include "base/buf.h"
#include "proto/info.h"

// Appends "126 chunks ok, 2 failed, in 3.2 s -> out/". `place`: where the results are; NULL or "":
// no file. -ENOMEM.
int summary_put(struct buf *out, const struct job_info *job, const char *place);
