// A table for people, never wider than it may be: columns that matter least are left out, long
// names are cut.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/buf.h"

#define TABLE_COLUMNS_MAX 16u

struct table_column {
    const char *title;
    bool to_the_right; // numbers
    unsigned drop;     // the greatest is left out first; 0: never
    unsigned least;    // columns that it may be cut to; 0: it is not cut
};

struct table {
    const struct table_column *columns;
    size_t n;
    struct buf text; // of all cells, each with a NUL
    size_t cells;
    int error; // sticky, of memory
};

// Borrows the columns.
void table_begin(struct table *table, const struct table_column *columns, size_t n);
// The next cell, row by row. Text that would steer a terminal becomes harmless.
void table_cell(struct table *table, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
// Prints the titles and rows `first` to `first + n`, in `width` columns; 0: as wide as it is. A
// column in which all cells are empty is left out. -ENOMEM.
int table_print(const struct table *table, size_t first, size_t n, size_t width, FILE *out);
static inline size_t table_rows(const struct table *table)
{
    return table->cells / table->n;
}
void table_done(struct table *table);
