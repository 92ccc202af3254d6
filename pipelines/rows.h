// The fields of a source's items, whatever its kind: columns of a csv or of lines that are split,
// axes of a matrix, whose items are numbers.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pipelines/input/row.h"
#include "pipelines/plan.h"

// The fields of item number `index` (from 0) of a source, whatever its kind; `item` is its text
// where it has one. A plain item has none. Errors as row_split; -ERANGE past the end of a matrix.
int row_of_item(const struct source *source, uint64_t index, const void *item, size_t len,
                struct row *row);
// Number of the column of this name, or -ENOENT. The columns of any kind of source.
int rows_column(const struct source *source, const char *name, size_t len);
// The number of columns; 0 when it is unknown (fields of lines) or the source has none.
size_t rows_n_columns(const struct source *source);
// The name of a column, "" when it has none. Borrowed.
const char *rows_column_name(const struct source *source, size_t column);
// Whether {1}, {2} ... have a meaning.
bool rows_have_fields(const struct source *source);
