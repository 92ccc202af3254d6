// One record as one line of JSON. docs/guide/json.md lists its fields and promises them.
#pragma once
#include "base/buf.h"
#include "pipelines/sink/sink.h"

// Appends the line, its end included. -ENOMEM, -ENOBUFS; then nothing is appended.
int record_json(struct buf *out, const struct record *record);
