// One record as one line of JSON (RFC 8259). docs/guide/json.md lists the fields and promises them:
// `v` changes when a field changes its meaning or goes away; fields may be added.
//
// A text that is no UTF-8 stands as `NAME_base64` (RFC 4648, section 4) instead of `NAME`.
#pragma once
#include "base/buf.h"
#include "pipelines/sink/sink.h"

// Appends `,"name":"text"`, or `,"name_base64":...` for what is no UTF-8. -ENOMEM, -ENOBUFS.
int json_text(struct buf *out, const char *name, const void *text, size_t len);
// Appends a string in its quotes; what is no UTF-8 goes through as it is. -ENOMEM, -ENOBUFS.
int json_quote(struct buf *out, const void *text, size_t len);
// Appends the line, its end included. -ENOMEM, -ENOBUFS.
int json_record(struct buf *out, const struct record *record);
