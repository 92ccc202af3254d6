// What the files of a report share.
#pragma once
#include "cli/follow/report.h"

// Bytes for stderr. A progress line gives way to them.
void report_emit(struct report *report, const char *text, size_t len);
// The object of --progress json.
void report_progress(struct report *report, const struct job_info *job);
