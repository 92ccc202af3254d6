// Where chunks come from. The coordinator's feeder pulls runs, only as far as the core's window.
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "pipelines/plan.h"
#include "pipelines/run.h"

struct source_reader;

struct source_want {
    uint64_t chunks;     // at most so many
    uint64_t bytes;      // and at most so many payload bytes, but always one chunk
    int64_t mean_run_ns; // of this step's recent chunks; 0: none yet. Steers CHUNK_AUTO
    uint32_t slots;      // slots at hand now: `parts` and `auto` look at it
};

// Fills in source.rows.columns of a csv from the first row of its first file. Standard input ("-")
// is read for it, byte by byte and blocking, and then that row is gone from there; only when
// `reads_stdin` and there is a header, else its columns stay unknown. Does nothing for other
// sources and for columns that are known. A job file's loader calls it, and so does whoever makes a
// plan of its own or is about to run one that reads standard input; before the plan is packed.
// Negative errno with text.
int source_find_columns(struct plan *plan, bool reads_stdin, struct err *err);

// Opens the plan's source: expands globs, checks that files are there and readable, opens stdin
// only when it is named. Borrows the plan. Blocking (file metadata only). Errors in words for the
// user.
int source_open(const struct plan *plan, struct source_reader **ret, struct err *err);

// The next run. Returns 1 with a run that the caller owns (run_done), 0 at the end, -EAGAIN when
// the source is a pipe with nothing to read now (wait for source_fd), or a negative errno with text
// (an unreadable file, a line over the limit). Never blocks on a pipe; reads regular files.
int source_next(struct source_reader *reader, const struct source_want *want, struct run *ret,
                struct err *err);

// The descriptor to wait on for reading after -EAGAIN; -1 when the source never waits.
int source_fd(const struct source_reader *reader);

// How many chunks there will be in all, or UINT64_MAX when that is not known yet.
uint64_t source_total(const struct source_reader *reader);

// Whether the source reads the file of this name, as an extent names it.
bool source_has_file(const struct source_reader *reader, const char *path);

// Accepts NULL. Returns NULL.
struct source_reader *source_close(struct source_reader *reader);
