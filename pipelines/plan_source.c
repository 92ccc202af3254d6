#include "pipelines/plan_source.h"

#include <stdlib.h>
#include <string.h>

#include "pipelines/build/rules.h"
#include "pipelines/source/matrix.h"
#include "pipelines/source/record.h"

#define RANGE_FIELDS 3
#define RECORD_FIELDS 4
#define ROWS_FIELDS 5
#define STEP_SOURCE_FIELDS 5
#define WHOLE_SOURCE_FIELDS 7
#define TEXTS_MAX (1u << 20) // items of a source

static void free_texts(char **texts, size_t n)
{
    for (size_t i = 0; texts && i < n; i++)
        free(texts[i]);
    free(texts);
}

void plan_source_done(struct source *source)
{
    free_texts(source->texts, source->n_texts);
    free_texts(source->rows.columns, source->rows.n_columns);
    free(source->rows.separator);
    matrix_free(source->matrix);
}

static void put_texts(struct pack_writer *w, char *const *texts, size_t n)
{
    pack_array(w, (uint32_t)n);
    for (size_t i = 0; i < n; i++)
        pack_str(w, texts[i]);
}

static void put_range(struct pack_writer *w, const struct range *range)
{
    pack_array(w, RANGE_FIELDS);
    pack_i64(w, range->start);
    pack_i64(w, range->step);
    pack_u64(w, range->count);
}

static void put_record(struct pack_writer *w, const struct record_rule *record)
{
    pack_array(w, RECORD_FIELDS);
    pack_bin(w, record->end, record->end_len);
    pack_bin(w, record->start, record->start_len);
    pack_u64(w, record->header_lines);
    pack_bool(w, record->drops_end);
}

static void put_rows(struct pack_writer *w, const struct row_rule *rows)
{
    pack_array(w, ROWS_FIELDS);
    pack_u64(w, rows->form);
    pack_u64(w, (uint8_t)rows->delimiter);
    pack_str(w, rows->separator);
    pack_bool(w, rows->has_header);
    put_texts(w, rows->columns, rows->n_columns);
}

void plan_source_pack(struct pack_writer *w, const struct source *source, bool whole, bool feeds)
{
    static const struct source nothing = {.kind = SOURCE_PUSH};
    if (!feeds)
        source = &nothing;
    pack_array(w, whole ? WHOLE_SOURCE_FIELDS : STEP_SOURCE_FIELDS);
    pack_u64(w, source->kind);
    if (whole)
        put_texts(w, source->texts, source->n_texts);
    if (source->kind == SOURCE_RANGE)
        put_range(w, &source->range);
    else
        pack_nil(w);
    put_record(w, &source->record);
    if (whole)
        pack_u64(w, source->delimiter);
    put_rows(w, &source->rows);
    if (source->kind == SOURCE_MATRIX)
        matrix_pack(source->matrix, w);
    else
        pack_nil(w);
}

static void expect_array(struct pack_reader *r, uint32_t n)
{
    if (pack_read_array(r, n) != n)
        pack_fail(r);
}

// The array's count is right at any time, so that a failure half-way frees exactly what is there.
static void get_texts(struct pack_reader *r, uint32_t max, char ***ret, size_t *ret_n)
{
    uint32_t n = pack_read_array(r, max);
    if (n == 0)
        return;
    char **texts = calloc((size_t)n + 1, sizeof(*texts));
    if (!texts) {
        pack_fail(r);
        return;
    }
    *ret = texts;
    *ret_n = n;
    for (uint32_t i = 0; i < n && pack_ok(r); i++)
        texts[i] = pack_read_strdup(r, PLAN_PACKED_MAX);
}

static void get_range(struct pack_reader *r, struct range *range)
{
    expect_array(r, RANGE_FIELDS);
    range->start = pack_read_i64(r);
    range->step = pack_read_i64(r);
    range->count = pack_read_u64(r, INT64_MAX);
    if (!plan_range_ok(range))
        pack_fail(r);
}

static uint8_t get_mark(struct pack_reader *r, char mark[RECORD_MARK_MAX])
{
    size_t len;
    const uint8_t *bytes = pack_read_bin(r, RECORD_MARK_MAX, &len);
    memcpy(mark, bytes, len);
    return (uint8_t)len;
}

static void get_record(struct pack_reader *r, struct record_rule *record)
{
    expect_array(r, RECORD_FIELDS);
    record->end_len = get_mark(r, record->end);
    record->start_len = get_mark(r, record->start);
    record->header_lines = (uint32_t)pack_read_u64(r, RECORD_HEADER_MAX);
    record->drops_end = pack_read_bool(r);
    if (!record_rule_ok(record))
        pack_fail(r);
}

bool plan_delimiter_ok(char c)
{
    return c != '\0' && c != '"' && c != '\n' && c != '\r';
}

static void get_rows(struct pack_reader *r, enum source_kind kind, struct row_rule *rows)
{
    expect_array(r, ROWS_FIELDS);
    rows->form = (enum row_form)pack_read_u64(r, ROW_WHOLE);
    rows->delimiter = (char)pack_read_u64(r, UINT8_MAX);
    rows->separator = pack_read_nil(r) ? NULL : pack_read_strdup(r, ROW_SEPARATOR_MAX);
    rows->has_header = pack_read_bool(r);
    get_texts(r, ROW_FIELDS_MAX, &rows->columns, &rows->n_columns);
    if (!pack_ok(r))
        return;
    bool may_split = kind == SOURCE_CSV || kind == SOURCE_ITEMS || kind == SOURCE_LINES;
    bool is_split = rows->form == ROW_SPLIT;
    if ((kind == SOURCE_CSV && rows->form == ROW_PLAIN) ||
        (rows->form == ROW_CSV && (kind != SOURCE_CSV || !plan_delimiter_ok(rows->delimiter))) ||
        ((is_split || rows->form == ROW_WHOLE) && !may_split) ||
        (rows->form == ROW_WHOLE && kind == SOURCE_CSV) ||
        is_split != (rows->separator && rows->separator[0]) ||
        (rows->n_columns && rows->form == ROW_PLAIN))
        pack_fail(r);
}

void plan_source_unpack(struct pack_reader *r, struct source *source, bool whole)
{
    expect_array(r, whole ? WHOLE_SOURCE_FIELDS : STEP_SOURCE_FIELDS);
    source->kind = (enum source_kind)pack_read_u64(r, SOURCE_MATRIX);
    if (whole)
        get_texts(r, TEXTS_MAX, &source->texts, &source->n_texts);
    if (source->kind == SOURCE_RANGE)
        get_range(r, &source->range);
    else if (!pack_read_nil(r))
        pack_fail(r);
    get_record(r, &source->record);
    if (whole)
        source->delimiter = (uint8_t)pack_read_u64(r, UINT8_MAX);
    get_rows(r, source->kind, &source->rows);
    if (pack_ok(r) && source->kind == SOURCE_MATRIX)
        source->matrix = matrix_unpack(r);
    else if (!pack_read_nil(r))
        pack_fail(r);
    bool has_texts = source->kind != SOURCE_RANGE && source->kind != SOURCE_PUSH &&
                     source->kind != SOURCE_MATRIX;
    if (!has_texts && source->n_texts)
        pack_fail(r);
    if (!pack_ok(r)) // nobody may look at half of one
        source->kind = SOURCE_PUSH;
}
