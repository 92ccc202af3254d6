// --dry-run: what a job would run, told and not done.
#pragma once
#include <stdint.h>

#include "pipelines/plan.h"

// Reads the plan's source to its end and prints, for each run of a program in the first step, its
// words as a shell would be given them; stages that follow on the same executor behind a '|'; later
// steps once, as a comment. `slots`: of the job. Blocking. Returns the exit status; told on stderr.
int dry_run(const struct plan *plan, uint32_t slots);
