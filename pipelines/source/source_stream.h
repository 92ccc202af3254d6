// Data that can only be read in order: a pipe or a compressed file. Only source*.c include it.
#pragma once
#include "pipelines/source/source_queue.h"

struct source_stream;

// Opens the path for reading. Borrows plan and path. Errors with text.
int source_stream_open(const struct plan *plan, const char *path, struct source_stream **ret,
                       struct err *err);
// Accepts NULL. Returns NULL.
struct source_stream *source_stream_close(struct source_stream *s);
// Reads one block more; chunks that become whole are put into the queue. 1, or 0 at the end, when
// everything is in the queue; -EAGAIN when nothing can be read now; else as source_next, once all
// that could be read is in the queue.
int source_stream_advance(struct source_stream *s, struct source_queue *queue, struct err *err);
int source_stream_fd(const struct source_stream *s);
