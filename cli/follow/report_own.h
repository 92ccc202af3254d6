// What the files of a report share.
#pragma once
#include "cli/follow/report.h"

// Bytes for stderr. A progress line gives way to them.
void report_emit(struct report *report, const char *text, size_t len);
// Standard error of a chunk, as it is; on a terminal without what could steer it.
void report_errors(struct report *report, const struct slice *part);
// The object of --progress json.
void report_progress(struct report *report, const struct job_info *job);
