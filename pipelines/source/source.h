// Where chunks come from. The coordinator's feeder pulls runs, only as far as the core's window.
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "pipelines/plan.h"
#include "pipelines/run.h"

struct source_reader;

struct source_want {
    uint64_t chunks;     // the most to return
    uint64_t bytes;      // the most payload bytes, but always at least one chunk
    int64_t mean_run_ns; // of this step's recent chunks; 0: none yet. For CHUNK_AUTO
    uint32_t slots;      // slots available now: for `parts` and `auto`
};

// Fills in source.rows.columns of a csv from the first row of its first file. Standard input ("-")
// or another pipe is read for it, byte by byte and blocking, which consumes that row; only if
// `reads_stdin` and the source has a header, else its columns stay unknown. Does nothing for other
// sources and for columns that are known. To be called before the plan is packed: by the loader of
// job files, by code that makes a plan of its own, and before running one that reads standard
// input. Negative errno with text.
int source_find_columns(struct plan *plan, bool reads_stdin, struct err *err);

// What a text begins with: *ret_mark bytes to drop, for some programs write a mark before UTF-8.
// -EILSEQ with text for UTF-16.
int source_check_text(const char *path, const void *data, size_t len, size_t *ret_mark,
                      struct err *err);

// Opens the plan's source: expands globs, checks that files exist and are readable, opens stdin
// only when it is named. Borrows the plan. Blocking (file metadata only). Errors with text for the
// user.
int source_open(const struct plan *plan, struct source_reader **ret, struct err *err);

// The next run. Returns 1 with a run that the caller owns (run_done), 0 at the end, -EAGAIN when
// the source is a pipe without anything to read now (wait for source_fd), or a negative errno with
// text (an unreadable file, a line over the limit). Never blocks on a pipe; reads regular files.
int source_next(struct source_reader *reader, const struct source_want *want, struct run *ret,
                struct err *err);

// The descriptor to wait on for reading after -EAGAIN; -1 when the source never waits.
int source_fd(const struct source_reader *reader);

// The number of chunks in all, or UINT64_MAX while it is unknown.
uint64_t source_total(const struct source_reader *reader);

// Whether the source reads the file of this name, as an extent names it.
bool source_has_file(const struct source_reader *reader, const char *path);

// Accepts NULL. Returns NULL.
struct source_reader *source_close(struct source_reader *reader);
