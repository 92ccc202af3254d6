#include "pipelines/build/build_rows.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "pipelines/build/build_range.h"
#include "pipelines/input/matrix.h"
#include "pipelines/input/separator.h"
#include "pipelines/plan.h"
#include "pipelines/rows.h"
#include "pipelines/source/source.h"

// ---- csv

static void read_delimiter(struct builder *b, const struct node *map)
{
    struct node *node = node_get(map, "delimiter");
    struct row_rule *rows = &b->plan->source.rows;
    if (!node || node->is_bad)
        return;
    if (node->kind == NODE_SCALAR && strcmp(node->text, "\\t") == 0)
        rows->delimiter = '\t';
    else if (node->kind == NODE_SCALAR && node->len == 1 && row_delimiter_ok(node->text[0]))
        rows->delimiter = node->text[0];
    else
        refuse(b, node, NULL, "must be one character, e.g. ',' or \"\\t\"");
}

// A column can't share its name with a param: {name} would mean both.
static void check_names(struct builder *b, struct node *node)
{
    const struct source *source = &b->plan->source;
    for (size_t i = 0; i < b->plan->n_params; i++)
        if (rows_column(source, b->param_names[i], strlen(b->param_names[i])) >= 0)
            refuse(b, node, NULL, "'%s' is both a param and a column; rename one of them",
                   b->param_names[i]);
}

static void find_columns(struct builder *b, struct node *kind)
{
    bool reads_stdin = b->options && b->options->reads_stdin;
    struct err err = {{0}};
    int r = source_find_columns(b->plan, reads_stdin, &err);
    if (r == -ENOMEM)
        b->error = r;
    else if (r < 0)
        refuse(b, kind, NULL, "%s",
               strncmp(err.text, "source.csv: ", 12) ? err.text : err.text + 12);
    else
        check_names(b, kind);
}

void csv_read(struct builder *b, const struct node *map, struct node *kind)
{
    struct row_rule *rows = &b->plan->source.rows;
    rows->form = ROW_CSV;
    rows->delimiter = ',';
    rows->has_header = true;
    read_flag(b, map, "header", &rows->has_header);
    read_delimiter(b, map);
    if (b->plan->source.n_texts && !kind->is_bad)
        find_columns(b, kind);
}

// ---- matrix

static bool axis_name_ok(const char *name)
{
    if (!isalpha((unsigned char)*name) && *name != '_')
        return false;
    for (; *name; name++)
        if (!isalnum((unsigned char)*name) && *name != '_' && *name != '-')
            return false;
    return true;
}

static void refuse_full(struct builder *b, struct node *node, int r, const char *what)
{
    if (r == -ENOMEM)
        b->error = r;
    else
        refuse(b, node, "keep long lists in a file and read it with source.lines",
               "too many %s, or they are too long", what);
}

static bool good_name(struct builder *b, struct node *node)
{
    if (axis_name_ok(node->key->text))
        return true;
    refuse_key(b, node, NULL, "a name is a letter or '_' followed by letters, digits, '_' or '-'");
    return false;
}

static void read_values(struct builder *b, struct node *list)
{
    struct matrix *m = b->plan->source.matrix;
    const char *text;
    if (list->n == 0)
        refuse(b, list, NULL, "the list is empty");
    for (struct node *node = list->first; node; node = node->next) {
        if (!want_any_text(b, node, &text))
            continue;
        _free_ char *filled = fill_in(b, node, text, false);
        int r = filled ? matrix_add_value(m, filled, strlen(filled)) : 0;
        if (r < 0) {
            refuse_full(b, list, r, "values");
            return;
        }
    }
}

static void read_axis(struct builder *b, struct node *node)
{
    struct matrix *m = b->plan->source.matrix;
    struct range range;
    if (node->is_bad || !good_name(b, node))
        return;
    int r = matrix_add_axis(m, node->key->text);
    if (r < 0) {
        refuse_full(b, node->parent, r, "axes");
    } else if (node->kind == NODE_LIST) {
        read_values(b, node);
    } else if (range_read(b, node, &range)) {
        if (range.count == 0)
            refuse(b, node, NULL, "the range is empty");
        else
            matrix_set_range(m, &range); // checked, and the axis is new
    }
}

static void refuse_no_axis(struct builder *b, struct node *pair)
{
    const struct matrix *m = b->plan->source.matrix;
    const char *names[MATRIX_AXES_MAX];
    size_t n = 0;
    for (; n < matrix_n_columns(m) && n < MATRIX_AXES_MAX; n++)
        names[n] = matrix_column_name(m, n);
    const char *nearest = parse_nearest(pair->key->text, names, n);
    if (nearest)
        refuse_key(b, pair, NULL, "no such axis (did you mean '%s'?)", nearest);
    else
        refuse_key(b, pair, NULL, "no such axis");
}

static void read_pair(struct builder *b, struct node *pair, bool is_include)
{
    const char *text;
    if (!good_name(b, pair) || !want_any_text(b, pair, &text))
        return;
    _free_ char *filled = fill_in(b, pair, text, false);
    if (!filled)
        return;
    int r = matrix_add_pair(b->plan->source.matrix, pair->key->text, filled, strlen(filled));
    if (r == -ENOENT && !is_include)
        refuse_no_axis(b, pair);
    else if (r == -ERANGE)
        refuse(b, pair, NULL, "'%s' is not a value of this axis", filled);
    else if (r < 0)
        refuse_full(b, pair->parent->parent, r, "names or values");
}

static void read_rules(struct builder *b, struct node *list, bool is_include)
{
    struct matrix *m = b->plan->source.matrix;
    if (!list || list->is_bad)
        return;
    if (list->kind != NODE_LIST) {
        refuse(b, list, "start each with '- '", "expected a list of mappings");
        return;
    }
    for (struct node *node = list->first; node; node = node->next) {
        if (!want_map(b, node))
            continue;
        if (node->n == 0) {
            refuse(b, node, NULL, "needs at least one name");
            continue;
        }
        int r = is_include ? matrix_add_include(m) : matrix_add_exclude(m);
        if (r < 0) {
            refuse_full(b, list, r, "rules");
            return;
        }
        for (struct node *pair = node->first; pair; pair = pair->next)
            read_pair(b, pair, is_include);
    }
}

void matrix_read(struct builder *b, struct node *node)
{
    struct matrix *m = b->plan->source.matrix = matrix_new();
    size_t before = b->diag->n_errors;
    if (!m) {
        b->error = -ENOMEM;
        return;
    }
    if (!want_map(b, node))
        return;
    for (struct node *axis = node->first; axis; axis = axis->next)
        if (strcmp(axis->key->text, "include") != 0 && strcmp(axis->key->text, "exclude") != 0)
            read_axis(b, axis);
    read_rules(b, node_get(node, "exclude"), false);
    read_rules(b, node_get(node, "include"), true);
    struct err err = {{0}};
    int r = b->diag->n_errors == before && !b->error ? matrix_seal(m, &err) : 0;
    if (r == -ENOMEM)
        b->error = r;
    else if (r < 0)
        refuse(b, node, NULL, "%s", err.text);
    else if (b->diag->n_errors == before && matrix_count(m) == 0)
        refuse(b, node, NULL, "exclude leaves no combinations");
    check_names(b, node);
}

// ---- record

static bool read_mark(struct builder *b, const struct node *map, const char *name, char *ret,
                      uint8_t *ret_len)
{
    struct node *node = node_get(map, name);
    if (!node || node->is_bad)
        return false;
    if (node->kind != NODE_SCALAR) {
        refuse(b, node, NULL, "expected text, found a %s",
               node->kind == NODE_MAP ? "mapping" : "list");
        return false;
    }
    if (node->len > SEPARATOR_MARK_MAX) {
        refuse(b, node, NULL, "is longer than %u bytes", SEPARATOR_MARK_MAX);
        return false;
    }
    if (memchr(node->text, '\\', node->len))
        warn_at(b, node, "inside double quotes \\n is a newline",
                "a backslash is an ordinary character here");
    memcpy(ret, node->text, node->len);
    *ret_len = (uint8_t)node->len;
    return true;
}

void separator_read(struct builder *b, const struct node *map)
{
    struct node *node = node_get(map, "record");
    struct separator_rule *rule = &b->plan->source.separator;
    uint64_t lines;
    bool keep = true;
    if (!node || !want_map(b, node))
        return;
    check_keys(b, node, SECTION_RECORD);
    read_mark(b, node, "end", rule->end, &rule->end_len);
    read_mark(b, node, "start", rule->start, &rule->start_len);
    if (read_count(b, SECTION_RECORD, node, "header", &lines))
        rule->header_lines = (uint32_t)lines;
    if (read_flag(b, node, "keep", &keep) && !keep && !rule->end_len)
        refuse(b, node_get(node, "keep"), NULL,
               "false drops the end of each record, but 'end' is empty");
    rule->drops_end = !keep && rule->end_len;
}
