#include "pipelines/input/matrix.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/grow.h"
#include "base/parse.h"
#include "pipelines/input/matrix_parts.h"

#define NUMBER_BYTES 24 // of a number of a range, with its end

struct matrix *matrix_new(void)
{
    struct matrix *m = calloc(1, sizeof(*m));
    if (m)
        buf_init(&m->bytes, MATRIX_BYTES_MAX);
    return m;
}

struct matrix *matrix_free(struct matrix *m)
{
    if (!m)
        return NULL;
    matrix_count_done(m);
    for (size_t i = 0; i < m->n_axes; i++)
        free(m->axes[i].name);
    for (size_t i = 0; i < m->n_extra; i++)
        free(m->extra[i]);
    free(m->axes);
    free(m->extra);
    buf_done(&m->values);
    buf_done(&m->bytes);
    buf_done(&m->pairs);
    free(m->excludes);
    free(m->includes);
    free(m->groups);
    free(m);
    return NULL;
}

static int find_column(const struct matrix *m, const char *name)
{
    for (size_t i = 0; i < matrix_n_columns(m); i++)
        if (*name && strcmp(matrix_column_name(m, i), name) == 0)
            return (int)i;
    return -ENOENT;
}

static int add_axis(struct matrix *m, const char *name, bool linked)
{
    if (linked && m->n_axes == 0)
        return -EINVAL;
    if (m->n_axes == MATRIX_AXES_MAX)
        return -E2BIG;
    if (name && find_column(m, name) >= 0)
        return -EEXIST;
    if (grow(m->axes, m->n_axes, 1) < 0)
        return -ENOMEM;
    struct axis axis = {.linked = linked, .first = m->values.len / sizeof(struct span)};
    if (name && !(axis.name = strdup(name)))
        return -ENOMEM;
    m->axes[m->n_axes++] = axis;
    return 0;
}

int matrix_add_axis(struct matrix *m, const char *name)
{
    return add_axis(m, name, false);
}

int matrix_link_axis(struct matrix *m, const char *name)
{
    return add_axis(m, name, true);
}

static int keep_bytes(struct matrix *m, const void *data, size_t len, struct span *ret)
{
    struct span span = {m->bytes.len, len};
    if (len && memchr(data, '\0', len))
        return -EINVAL;
    int r = buf_add(&m->bytes, data, len);
    if (r == 0)
        *ret = span;
    return r == -ENOBUFS ? -E2BIG : r;
}

int matrix_add_value(struct matrix *m, const void *data, size_t len)
{
    struct axis *axis = m->n_axes ? &m->axes[m->n_axes - 1] : NULL;
    struct span span;
    if (!axis || axis->is_range)
        return -EINVAL;
    if (m->values.len / sizeof(span) == MATRIX_VALUES_MAX)
        return -E2BIG;
    int r = keep_bytes(m, data, len, &span);
    if (r == 0)
        r = buf_add(&m->values, &span, sizeof(span));
    if (r == 0)
        axis->n++;
    return r;
}

int matrix_set_range(struct matrix *m, const struct range *range)
{
    struct axis *axis = m->n_axes ? &m->axes[m->n_axes - 1] : NULL;
    if (!axis || axis->n || axis->is_range || !range_ok(range))
        return -EINVAL;
    axis->is_range = true;
    axis->range = *range;
    return 0;
}

static int add_rule(struct matrix *m, struct rule **list, size_t *n, bool is_include)
{
    if (*n == MATRIX_RULES_MAX)
        return -E2BIG;
    if (grow(*list, *n, 1) < 0)
        return -ENOMEM;
    (*list)[*n] = (struct rule){.first = m->pairs.len / sizeof(struct pair)};
    *n += 1;
    m->last_is_include = is_include;
    return 0;
}

int matrix_add_exclude(struct matrix *m)
{
    return add_rule(m, &m->excludes, &m->n_excludes, false);
}

int matrix_add_include(struct matrix *m)
{
    return add_rule(m, &m->includes, &m->n_includes, true);
}

static int add_extra(struct matrix *m, const char *name, size_t *ret)
{
    if (m->n_extra == MATRIX_AXES_MAX)
        return -E2BIG;
    if (grow(m->extra, m->n_extra, 1) < 0 || !(m->extra[m->n_extra] = strdup(name)))
        return -ENOMEM;
    *ret = m->n_axes + m->n_extra++;
    return 0;
}

int matrix_find_value(const struct matrix *m, const struct axis *axis, const char *value,
                      size_t len, uint64_t *ret)
{
    char text[NUMBER_BYTES];
    int64_t number;
    if (!axis->is_range) {
        for (size_t i = 0; i < axis->n; i++) {
            const struct span *span = matrix_span(m, axis->first + i);
            if (span->len == len && memcmp(m->bytes.data + span->at, value, len) == 0) {
                *ret = i;
                return 0;
            }
        }
        return -ENOENT;
    }
    if (len >= sizeof(text))
        return -ENOENT;
    memcpy(text, value, len);
    text[len] = '\0';
    if (strlen(text) != len || parse_i64(text, &number) < 0 || !axis->range.count)
        return -ENOENT;
    __int128 away = (__int128)number - axis->range.start;
    __int128 position = away / axis->range.step;
    if (away % axis->range.step || position < 0 || position >= (__int128)axis->range.count)
        return -ENOENT;
    *ret = (uint64_t)position;
    return 0;
}

int matrix_add_pair(struct matrix *m, const char *name, const void *data, size_t len)
{
    struct rule *rules = m->last_is_include ? m->includes : m->excludes;
    size_t n = m->last_is_include ? m->n_includes : m->n_excludes;
    int column = find_column(m, name);
    struct pair pair = {.column = (size_t)column};
    uint64_t position;
    if (n == 0 || !*name)
        return -EINVAL;
    struct rule *rule = &rules[n - 1];
    for (size_t i = 0; i < rule->n && column >= 0; i++)
        if (matrix_pair(m, rule->first + i)->column == (size_t)column)
            return -EEXIST;
    int r = 0;
    if (!m->last_is_include) {
        if (column < 0)
            return -ENOENT;
        // The names of exclude come before any of include, so this is an axis.
        if ((size_t)column >= m->n_axes)
            return -ENOENT;
        if (matrix_find_value(m, &m->axes[column], data, len, &position) < 0)
            return -ERANGE;
    } else if (column < 0) {
        r = add_extra(m, name, &pair.column);
    }
    if (r == 0)
        r = keep_bytes(m, data, len, &pair.value);
    if (r == 0)
        r = buf_add(&m->pairs, &pair, sizeof(pair));
    if (r == 0)
        rule->n++;
    return r;
}

static int form_groups(struct matrix *m, struct err *err)
{
    m->groups = calloc(m->n_axes, sizeof(*m->groups));
    if (!m->groups)
        return err_sys(err, -ENOMEM, "matrix");
    for (size_t i = 0; i < m->n_axes; i++) {
        const struct axis *axis = &m->axes[i];
        uint64_t count = axis_count(axis);
        if (count == 0)
            return err_set(err, -EINVAL, "axis %zu has no values", i + 1);
        if (!axis->linked)
            m->groups[m->n_groups++] = (struct axis_group){.first = i};
        struct axis_group *group = &m->groups[m->n_groups - 1];
        group->count = group->n && group->count < count ? group->count : count;
        group->n++;
    }
    uint64_t all = 1;
    for (size_t i = 0; i < m->n_groups; i++)
        if (__builtin_mul_overflow(all, m->groups[i].count, &all) || all > INT64_MAX)
            return err_set(err, -ERANGE, "more than 2^63 combinations");
    if (m->n_groups != m->n_axes && (m->n_excludes || m->n_includes))
        return err_set(err, -EINVAL, "exclude and include can't be used with linked axes");
    return 0;
}

int matrix_seal(struct matrix *m, struct err *err)
{
    // Without axes only include makes combinations.
    if (m->n_axes == 0 && m->n_includes == 0)
        return err_set(err, -EINVAL, "needs at least one axis");
    int r = m->n_axes ? form_groups(m, err) : 0;
    return r < 0 ? r : matrix_count_all(m, err);
}

uint64_t matrix_count(const struct matrix *m)
{
    return m->base + m->n_created;
}

size_t matrix_n_columns(const struct matrix *m)
{
    return m->n_axes + m->n_extra;
}

const char *matrix_column_name(const struct matrix *m, size_t column)
{
    const char *name = column < m->n_axes ? m->axes[column].name : m->extra[column - m->n_axes];
    return name ? name : "";
}

// A column's value in one combination.
struct cell {
    const char *at;
    size_t len;
    bool is_there;
    char number[NUMBER_BYTES];
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

static bool rule_matches(const struct matrix *m, const struct rule *rule, const struct cell *cells)
{
    for (size_t i = 0; i < rule->n; i++) {
        const struct pair *pair = matrix_pair(m, rule->first + i);
        const struct cell *cell = &cells[pair->column];
        if (pair->column < m->n_axes &&
            (cell->len != pair->value.len ||
             memcmp(cell->at, m->bytes.data + pair->value.at, cell->len) != 0))
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
    struct cell cells[2 * MATRIX_AXES_MAX];
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
