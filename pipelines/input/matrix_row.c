// One combination of a matrix: from its number to its fields.
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "pipelines/input/matrix_parts.h"

// A column's value in one combination.
struct cell {
    const char *at;
    size_t len;
    bool is_there;
    char number[MATRIX_NUMBER_BYTES];
};

static void put_cell(const struct matrix *m, struct cell *cell, struct span span)
{
    cell->at = (const char *)m->bytes.data + span.at;
    cell->len = span.len;
    cell->is_there = true;
}

static void put_axis(const struct matrix *m, const struct axis *axis, uint64_t position,
                     struct cell *cell)
{
    if (!axis->is_range) {
        put_cell(m, cell, *matrix_span(m, axis->first + position));
        return;
    }
    uint64_t value = (uint64_t)axis->range.start + position * (uint64_t)axis->range.step;
    int len = snprintf(cell->number, sizeof(cell->number), "%" PRId64, (int64_t)value);
    cell->at = cell->number;
    cell->len = (size_t)len;
    cell->is_there = true;
}

static bool cell_is(const struct cell *cell, const void *value, size_t len)
{
    return cell->len == len && (!len || memcmp(cell->at, value, len) == 0);
}

static bool rule_matches(const struct matrix *m, const struct rule *rule, const struct cell *cells)
{
    for (size_t i = 0; i < rule->n; i++) {
        const struct pair *pair = matrix_pair(m, rule->first + i);
        const struct cell *cell = &cells[pair->column];
        if (pair->column < m->n_axes &&
            !cell_is(cell, m->bytes.data + pair->value.at, pair->value.len))
            return false;
    }
    return true;
}

static void put_rule(const struct matrix *m, const struct rule *rule, struct cell *cells,
                     bool axes_too)
{
    for (size_t i = 0; i < rule->n; i++) {
        const struct pair *pair = matrix_pair(m, rule->first + i);
        if (axes_too || pair->column >= m->n_axes)
            put_cell(m, &cells[pair->column], pair->value);
    }
}

// One cell for each column. `cells` has room for 2 * MATRIX_AXES_MAX.
static int find_cells(const struct matrix *m, uint64_t index, struct cell *cells)
{
    if (index >= matrix_count(m))
        return -ERANGE;
    for (size_t i = 0; i < matrix_n_columns(m); i++)
        cells[i] = (struct cell){.at = ""};
    if (index >= m->base) {
        uint64_t left = index - m->base;
        for (size_t i = 0; i < m->n_includes; i++)
            if (!m->includes[i].extends && left-- == 0)
                put_rule(m, &m->includes[i], cells, true);
        return 0;
    }
    uint64_t positions[MATRIX_AXES_MAX];
    matrix_positions(m, index, positions);
    for (size_t g = 0; g < m->n_groups; g++)
        for (size_t i = 0; i < m->groups[g].n; i++) {
            size_t axis = m->groups[g].first + i;
            put_axis(m, &m->axes[axis], positions[g], &cells[axis]);
        }
    for (size_t i = 0; i < m->n_includes; i++)
        if (m->includes[i].extends && rule_matches(m, &m->includes[i], cells))
            put_rule(m, &m->includes[i], cells, false);
    return 0;
}

int matrix_row(const struct matrix *m, uint64_t index, struct row *row)
{
    struct cell cells[2 * MATRIX_AXES_MAX];
    row_clear(row);
    int r = find_cells(m, index, cells);
    for (size_t i = 0; i < matrix_n_columns(m) && r == 0; i++)
        r = row_add(row, cells[i].at, cells[i].len);
    return r;
}

int matrix_text(const struct matrix *m, uint64_t index, struct buf *out)
{
    struct cell cells[2 * MATRIX_AXES_MAX] = {0};
    size_t before = out->len;
    bool first = true;
    int r = find_cells(m, index, cells);
    for (size_t i = 0; i < matrix_n_columns(m) && r == 0; i++) {
        if (!cells[i].is_there)
            continue;
        r = first ? 0 : buf_add(out, " ", 1);
        if (r == 0)
            r = buf_add(out, cells[i].at, cells[i].len);
        first = false;
    }
    if (r < 0)
        out->len = before;
    return r;
}
