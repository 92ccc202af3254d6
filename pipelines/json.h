// Until its callers use pipelines/json_writer.h.
#pragma once
#include "base/buf.h"

// Appends `,"name":"text"`, or `,"name_base64":...` for what is not UTF-8. -ENOMEM, -ENOBUFS.
int json_text(struct buf *out, const char *name, const void *text, size_t len);
