// The rows of tables, checked as they arrive. Only source*.c include it.
#pragma once
#include "pipelines/source/cutter.h"
#include "pipelines/source/source.h"

struct source_rows;

// Borrows the source. NULL when out of memory.
struct source_rows *source_rows_new(const struct source *source);
// Accepts NULL. Returns NULL.
struct source_rows *source_rows_free(struct source_rows *s);

// Where items go.
struct cut_into {
    struct cutter *cutter;
    struct buf *out;
    struct buf *lens;
    uint64_t *items;
};
// A file begins; the path is borrowed until its end.
void source_rows_begin(struct source_rows *s, const char *path);
// Bytes of the file; each complete row becomes an item. -EINVAL with the place and what is
// wrong with a row; else as source_next.
int source_rows_feed(struct source_rows *s, const void *data, size_t len, struct cut_into *into,
                     struct err *err);
// The end of the file.
int source_rows_end(struct source_rows *s, struct cut_into *into, struct err *err);
