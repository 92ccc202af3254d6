// Shared by the operators; not included outside this room.
#pragma once
#include "async/internal.h"
#include "async/operators/stream.h"

// True if no input is NULL; else closes the others.
bool streams_given(struct stream *const *ins, size_t n);
void streams_close(struct stream *const *ins, size_t n);
// Marks the stream's end with the code of this next(), which is returned: every later one returns
// it, too, but -ECANCELED for -ETIMEDOUT, which would mean that it may be called again.
int stream_finish(struct stream *s, int code);
// next() of a stream_merge(), with a deadline: -ETIMEDOUT.
int merge_next_until(struct stream *s, void **ret, int64_t deadline);
