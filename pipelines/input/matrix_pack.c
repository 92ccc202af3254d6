#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/pack.h"
#include "pipelines/input/matrix_parts.h"

#define MATRIX_FIELDS 3
#define AXIS_FIELDS 4
#define NAME_BYTES_MAX 4096u // of an axis or a column

static void put_bytes(struct pack_writer *w, const struct matrix *m, struct span span)
{
    pack_bin(w, span.len ? (const char *)m->bytes.data + span.at : "", span.len);
}

static void put_rules(struct pack_writer *w, const struct matrix *m, const struct rule *rules,
                      size_t n)
{
    pack_array(w, (uint32_t)n);
    for (size_t i = 0; i < n; i++) {
        pack_map(w, (uint32_t)rules[i].n);
        for (size_t k = 0; k < rules[i].n; k++) {
            const struct pair *pair = matrix_pair(m, rules[i].first + k);
            pack_str(w, matrix_column_name(m, pair->column));
            put_bytes(w, m, pair->value);
        }
    }
}

void matrix_pack(const struct matrix *m, struct pack_writer *w)
{
    pack_array(w, MATRIX_FIELDS);
    pack_array(w, (uint32_t)m->n_axes);
    for (size_t i = 0; i < m->n_axes; i++) {
        const struct axis *axis = &m->axes[i];
        pack_array(w, AXIS_FIELDS);
        pack_str(w, axis->name);
        pack_bool(w, axis->linked);
        if (axis->is_range) {
            range_pack(w, &axis->range);
        } else {
            pack_nil(w);
        }
        pack_array(w, (uint32_t)axis->n);
        for (size_t k = 0; k < axis->n; k++)
            put_bytes(w, m, *matrix_span(m, axis->first + k));
    }
    put_rules(w, m, m->excludes, m->n_excludes);
    put_rules(w, m, m->includes, m->n_includes);
}

static void must(struct pack_reader *r, int result)
{
    if (result < 0)
        pack_fail(r);
}

static void get_axis(struct pack_reader *r, struct matrix *m)
{
    if (pack_read_array(r, AXIS_FIELDS) != AXIS_FIELDS)
        pack_fail(r);
    _free_ char *name = pack_read_nil(r) ? NULL : pack_read_strdup(r, NAME_BYTES_MAX);
    bool linked = pack_read_bool(r);
    if (!pack_ok(r))
        return;
    must(r, linked ? matrix_link_axis(m, name) : matrix_add_axis(m, name));
    if (!pack_read_nil(r)) {
        struct range range = range_unpack(r);
        must(r, pack_ok(r) ? matrix_set_range(m, &range) : 0);
    }
    uint32_t n = pack_read_array(r, MATRIX_VALUES_MAX);
    for (uint32_t i = 0; i < n && pack_ok(r); i++) {
        size_t len;
        const uint8_t *value = pack_read_bin(r, MATRIX_BYTES_MAX, &len);
        must(r, pack_ok(r) ? matrix_add_value(m, value, len) : 0);
    }
}

static void get_rules(struct pack_reader *r, struct matrix *m, int (*begin)(struct matrix *))
{
    uint32_t n = pack_read_array(r, MATRIX_RULES_MAX);
    for (uint32_t i = 0; i < n && pack_ok(r); i++) {
        uint32_t pairs = pack_read_map(r, 2 * MATRIX_AXES_MAX);
        must(r, begin(m));
        for (uint32_t k = 0; k < pairs && pack_ok(r); k++) {
            _free_ char *name = pack_read_strdup(r, NAME_BYTES_MAX);
            size_t len;
            const uint8_t *value = pack_read_bin(r, MATRIX_BYTES_MAX, &len);
            must(r, pack_ok(r) ? matrix_add_pair(m, name, value, len) : 0);
        }
    }
}

struct matrix *matrix_unpack(struct pack_reader *r)
{
    struct matrix *m = matrix_new();
    if (!m || pack_read_array(r, MATRIX_FIELDS) != MATRIX_FIELDS)
        pack_fail(r);
    uint32_t n = pack_ok(r) ? pack_read_array(r, MATRIX_AXES_MAX) : 0;
    for (uint32_t i = 0; i < n && pack_ok(r); i++)
        get_axis(r, m);
    if (pack_ok(r))
        get_rules(r, m, matrix_add_exclude);
    if (pack_ok(r))
        get_rules(r, m, matrix_add_include);
    if (pack_ok(r))
        must(r, matrix_seal(m, NULL));
    return pack_ok(r) ? m : matrix_free(m);
}
