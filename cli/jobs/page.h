// All about one job, for a person.
#pragma once
#include <stddef.h>

#include "base/err.h"
#include "client/link.h"
#include "proto/info.h"

#define PAGE_FAILURES_MAX 3 // that are shown with their messages

// Prints it to standard output, in lines of `columns`. The first failures are read from the job's
// records. Suspends. -ENOMEM.
int page_print(struct link *link, const struct job_info *job, size_t columns);
