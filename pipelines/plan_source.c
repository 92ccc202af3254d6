#include "pipelines/plan_parts.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pipelines/input/matrix.h"
#include "pipelines/input/separator.h"
#include "pipelines/plan.h"

#define SEPARATOR_FIELDS 4
#define ROWS_FIELDS 7
#define STEP_SOURCE_FIELDS 5
#define WHOLE_SOURCE_FIELDS 8
#define TEXTS_MAX (1u << 20) // items of a source

void plan_source_done(struct source *source)
{
    plan_free_words(source->texts, source->n_texts);
    plan_free_words(source->rows.columns, source->rows.n_columns);
    free(source->rows.split_at);
    matrix_free(source->matrix);
    if (source->opened > 0)
        close(source->opened);
}

static void put_separator(struct pack_writer *w, const struct separator_rule *rule)
{
    pack_array(w, SEPARATOR_FIELDS);
    pack_bin(w, rule->end, rule->end_len);
    pack_bin(w, rule->start, rule->start_len);
    pack_u64(w, rule->header_lines);
    pack_bool(w, rule->drops_end);
}

static void put_rows(struct pack_writer *w, const struct row_rule *rows)
{
    pack_array(w, ROWS_FIELDS);
    pack_u64(w, rows->form);
    pack_u64(w, (uint8_t)rows->delimiter);
    pack_str(w, rows->split_at);
    pack_bool(w, rows->has_header);
    pack_u64(w, rows->trims);
    pack_bool(w, rows->is_regex);
    plan_put_words(w, rows->columns, rows->n_columns);
}

void plan_source_pack(struct pack_writer *w, const struct source *source, bool whole, bool feeds)
{
    static const struct source nothing = {.kind = SOURCE_PUSH};
    if (!feeds)
        source = &nothing;
    pack_array(w, whole ? WHOLE_SOURCE_FIELDS : STEP_SOURCE_FIELDS);
    pack_u64(w, source->kind);
    if (whole)
        plan_put_words(w, source->texts, source->n_texts);
    if (source->kind == SOURCE_RANGE)
        range_pack(w, &source->range);
    else
        pack_nil(w);
    put_separator(w, &source->separator);
    if (whole)
        pack_u64(w, source->delimiter);
    if (whole)
        pack_bool(w, source->keeps_cr);
    put_rows(w, &source->rows);
    if (source->kind == SOURCE_MATRIX)
        matrix_pack(source->matrix, w);
    else
        pack_nil(w);
}

static uint8_t get_mark(struct pack_reader *r, char mark[SEPARATOR_MARK_MAX])
{
    size_t len;
    const uint8_t *bytes = pack_read_bin(r, SEPARATOR_MARK_MAX, &len);
    memcpy(mark, bytes, len);
    return (uint8_t)len;
}

static void get_separator(struct pack_reader *r, struct separator_rule *rule)
{
    plan_expect_array(r, SEPARATOR_FIELDS);
    rule->end_len = get_mark(r, rule->end);
    rule->start_len = get_mark(r, rule->start);
    rule->header_lines = (uint32_t)pack_read_u64(r, SEPARATOR_HEADER_MAX);
    rule->drops_end = pack_read_bool(r);
    if (!separator_rule_ok(rule))
        pack_fail(r);
}

static void get_rows(struct pack_reader *r, enum source_kind kind, struct row_rule *rows)
{
    plan_expect_array(r, ROWS_FIELDS);
    rows->form = (enum row_form)pack_read_u64(r, ROW_WHOLE);
    rows->delimiter = (char)pack_read_u64(r, UINT8_MAX);
    rows->split_at = pack_read_nil(r) ? NULL : pack_read_strdup(r, ROW_SPLIT_MAX);
    rows->has_header = pack_read_bool(r);
    rows->trims = (uint8_t)pack_read_u64(r, ROW_TRIM_LEFT | ROW_TRIM_RIGHT);
    rows->is_regex = pack_read_bool(r);
    plan_get_words(r, ROW_FIELDS_MAX, &rows->columns, &rows->n_columns);
    if (!pack_ok(r))
        return;
    bool may_split = kind == SOURCE_CSV || kind == SOURCE_ITEMS || kind == SOURCE_LINES;
    bool is_split = rows->form == ROW_SPLIT;
    if ((kind == SOURCE_CSV && rows->form == ROW_PLAIN) ||
        (rows->form == ROW_CSV && (kind != SOURCE_CSV || !row_delimiter_ok(rows->delimiter))) ||
        ((is_split || rows->form == ROW_WHOLE) && !may_split) ||
        (rows->form == ROW_WHOLE && kind == SOURCE_CSV) ||
        is_split != (rows->split_at && rows->split_at[0]) ||
        (rows->n_columns && rows->form == ROW_PLAIN))
        pack_fail(r);
}

void plan_source_unpack(struct pack_reader *r, struct source *source, bool whole)
{
    plan_expect_array(r, whole ? WHOLE_SOURCE_FIELDS : STEP_SOURCE_FIELDS);
    source->kind = (enum source_kind)pack_read_u64(r, SOURCE_MATRIX);
    if (whole)
        plan_get_words(r, TEXTS_MAX, &source->texts, &source->n_texts);
    if (source->kind == SOURCE_RANGE)
        source->range = range_unpack(r);
    else if (!pack_read_nil(r))
        pack_fail(r);
    get_separator(r, &source->separator);
    if (whole)
        source->delimiter = (uint8_t)pack_read_u64(r, UINT8_MAX);
    if (whole)
        source->keeps_cr = pack_read_bool(r);
    get_rows(r, source->kind, &source->rows);
    if (pack_ok(r) && source->kind == SOURCE_MATRIX)
        source->matrix = matrix_unpack(r);
    else if (!pack_read_nil(r))
        pack_fail(r);
    bool has_texts = source->kind != SOURCE_RANGE && source->kind != SOURCE_PUSH &&
                     source->kind != SOURCE_MATRIX;
    if (!has_texts && source->n_texts)
        pack_fail(r);
    if (!pack_ok(r)) // half a source must not be used
        source->kind = SOURCE_PUSH;
}
