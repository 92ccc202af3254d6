#include "pipelines/input/matrix.h"

#include <errno.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "base/grow.h"
#include "base/parse.h"
#include "pipelines/input/matrix_parts.h"

struct matrix *matrix_new(void)
{
    struct matrix *m = calloc(1, sizeof(*m));
    if (m)
        buf_init(&m->bytes, MATRIX_BYTES_MAX);
    return m;
}

static void free_node(void *node)
{
    free(((struct count_node *)node)->children);
    free(node);
}

struct matrix *matrix_free(struct matrix *m)
{
    if (!m)
        return NULL;
    tdestroy(m->nodes, free_node);
    for (size_t i = 0; i < m->n_axes; i++) {
        free(m->axes[i].name);
        free(m->axes[i].named);
        free(m->axes[i].specials);
        free(m->axes[i].possible);
    }
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
    char text[MATRIX_NUMBER_BYTES];
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
