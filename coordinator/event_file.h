// `--record FILE`: every event goes into a file before the core sees it, so that what a core did,
// also its last step before it failed, can be done again (tests/sim/replay.c).
//
// One write(2) an event, blocking for the disk; a coordinator that records is slower, and none that
// records has a bug of its own by it. What the file holds and leaves out: core/event_log.h.
#pragma once
#include <stdint.h>

#include "base/err.h"
#include "coordinator/core/core.h"

#define EVENT_FILE_MAX (1ull << 30) // bytes; then recording ends, and the log says so

struct event_file;

// Makes the file, or empties it; nobody else may read it.
int event_file_open(const char *path, const struct core_options *options, struct event_file **ret,
                    struct err *err);
// What can't be written ends the recording and nothing else: it is logged. NULL: does nothing.
void event_file_add(struct event_file *file, const struct event *event, int64_t now);
// Accepts NULL.
void event_file_close(struct event_file *file);
