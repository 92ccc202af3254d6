#include "pipelines/rows.h"

#include <errno.h>
#include <string.h>

#include "pipelines/input/matrix.h"

int row_of_item(const struct source *source, uint64_t index, const void *item, size_t len,
                struct row *row)
{
    const char *why;
    if (source->kind == SOURCE_MATRIX)
        return matrix_row(source->matrix, index, row);
    return row_split(&source->rows, item, len, row, &why);
}

size_t rows_n_columns(const struct source *source)
{
    return source->kind == SOURCE_MATRIX ? matrix_n_columns(source->matrix)
                                         : source->rows.n_columns;
}

const char *rows_column_name(const struct source *source, size_t column)
{
    return source->kind == SOURCE_MATRIX ? matrix_column_name(source->matrix, column)
                                         : source->rows.columns[column];
}

int rows_column(const struct source *source, const char *name, size_t len)
{
    for (size_t i = 0; i < rows_n_columns(source); i++) {
        const char *column = rows_column_name(source, i);
        if (len && strlen(column) == len && memcmp(column, name, len) == 0)
            return (int)i;
    }
    return -ENOENT;
}

bool rows_have_fields(const struct source *source)
{
    return source->kind == SOURCE_MATRIX ? source->matrix != NULL : source->rows.form != ROW_PLAIN;
}
