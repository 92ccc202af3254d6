// The manual page fanmill-job(5).
#pragma once
#include "pipelines/docs/limits.h"

// Appends the page. `more`: limits that other parts of the program set. -ENOMEM, -ENOBUFS.
int schema_man(const struct limit *more, size_t n_more, struct buf *out);
