// Where results go. A sink gets records in stream order and turns them into bytes.
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"
#include "pipelines/plan.h"

struct sink_writer;

#define SINK_STDERR ".stderr" // after the name of a result's file
// In a result's folder.
#define SINK_FOLDER_STDOUT "stdout"
#define SINK_FOLDER_STDERR "stderr"
#define SINK_FOLDER_SEQ "seq"

// One result as the sink sees it. Borrowed for the call.
struct record {
    uint64_t offset; // place in the stream, dense from 0
    uint32_t step;   // from 0
    uint64_t chunk;
    uint32_t attempt;
    const char *outcome;       // "ok", "exit", "signal", "timeout", "crash", "kernel", "input", ...
    int code;                  // negative errno, or what a kernel returned; 0
    int exit;                  // exit status; -1: none, it was ended
    int signal;                // that ended it; 0
    const char *error;         // for a person, of a failure; NULL: none
    const char *note;          // the same, of one that is ok
    const struct slice *parts; // the result's bytes, in pieces
    size_t n_parts;
    const char *item; // the chunk's own item where it has exactly one; else NULL
    size_t item_len;
    uint64_t item_first; // number of the chunk's first item, from 0
    int64_t start_ns;    // wall time since 1970; 0: unknown
    int64_t run_ns;
    uint64_t maxrss_bytes;
    uint32_t leftovers; // processes that had to be ended, or are kept
    const char *worker;
    const struct slice *errors; // standard error, in pieces
    size_t n_errors;
};

// Writes to the job's standard output. May suspend the calling task until it can be written.
// Returns 0 or a negative errno (-EPIPE: the reader went away).
typedef int sink_stdout_fn(void *arg, const void *data, size_t len);

// Opens the plan's sink: creates the file next to its target (sink_finish renames it), makes the
// directory. Borrows the plan. 0; 1 without a writer when the file exists and if_exists is skip:
// nothing need run; -EEXIST by if_exists: error; other negative errno, with text.
int sink_open(const struct plan *plan, sink_stdout_fn *write_stdout, void *arg,
              struct sink_writer **ret, struct err *err);
// Takes one record. A raw sink writes the bytes of results that are ok; a json sink one line per
// record (pipelines/sink/record_json.h); a dir sink one whole file, and one with SINK_STDERR after
// its name for what any chunk wrote to standard error. Buffers; blocking for files.
// Errors: -ENOSPC, -EPIPE, ... with text naming the path; -EPERM: a name that leads out of the
// directory.
int sink_write(struct sink_writer *sink, const struct record *record, struct err *err);
// Writes what is buffered. Errors as sink_write.
int sink_flush(struct sink_writer *sink, struct err *err);
// Flushes and puts the file in its place.
int sink_finish(struct sink_writer *sink, struct err *err);
// Removes the file unless sink_finish has put it in its place. Accepts NULL. Returns NULL.
struct sink_writer *sink_close(struct sink_writer *sink);
