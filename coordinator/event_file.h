// `--record FILE`: every event is written to a file before the core sees it, so that all a core
// did, up to its last step before a failure, can be replayed (tests/sim/replay.c).
//
// Each event is one write(2), which blocks for the disk: a coordinator that records is slower. What
// the file contains and leaves out: core/event_log.h.
#pragma once
#include <stdint.h>

#include "base/err.h"
#include "coordinator/core/core.h"

#define EVENT_FILE_MAX (1ull << 30) // bytes; recording ends there, which is logged

struct event_file;

// Creates or truncates the file, readable by its owner alone.
int event_file_open(const char *path, const struct core_options *options, struct event_file **ret,
                    struct err *err);
// A failed write ends only the recording, and is logged. Does nothing for NULL.
void event_file_add(struct event_file *file, const struct event *event, int64_t now);
// Accepts NULL.
void event_file_close(struct event_file *file);
