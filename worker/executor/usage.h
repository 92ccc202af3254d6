// What a process has used, into the ending of its chunk.
#pragma once
#include <sys/resource.h>

#include "proto/ending.h"

// Adds processor time; memory is the most that any has used.
void usage_add(struct ending *ending, const struct rusage *usage);
