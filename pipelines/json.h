// One record as one line of JSON (RFC 8259). The form is promised: `v` changes when a field changes
// its meaning or goes away; fields may be added.
//
//   v          1
//   offset     place in the job's stream, from 0
//   chunk      number of the chunk in its step, from 0
//   item       the chunk's item, when it has exactly one
//   outcome    "ok", "exit", "signal", "timeout", "crash", "kernel", "input", ...
//   code       exit status, signal number, or negative errno; only when it is not 0
//   error      words for a person; only of a failure
//   attempts   runs of the chunk, this one included
//   seconds    run time of the last attempt, to the nanosecond
//   maxrss     bytes; only when known
//   worker     its name
//   output     the result; stderr: its tail, when there is one
//
// A text that is no UTF-8 stands as `NAME_base64` (RFC 4648, section 4) instead of `NAME`.
#pragma once
#include "base/buf.h"
#include "pipelines/sink.h"

// Appends `,"name":"text"`, or `,"name_base64":...` for what is no UTF-8. -ENOMEM, -ENOBUFS.
int json_text(struct buf *out, const char *name, const void *text, size_t len);
// Appends a string in its quotes; what is no UTF-8 goes through as it is. -ENOMEM, -ENOBUFS.
int json_quote(struct buf *out, const void *text, size_t len);
// Appends the line, its end included. -ENOMEM, -ENOBUFS.
int json_record(struct buf *out, const struct record *record);
