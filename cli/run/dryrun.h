// --dry-run: what a job would run, printed instead of run.
#pragma once
#include <stdint.h>

#include "pipelines/plan.h"

// Reads the plan's source to its end and prints, for each run of a program in the first step, its
// words as a shell would be given them; stages that follow on the same executor after a '|'; later
// steps once, as a comment. `slots`: of the job. Blocking. Returns the exit status; mistakes go to
// stderr.
int dry_run(const struct plan *plan, uint32_t slots);
