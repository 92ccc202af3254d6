// Sources whose items are rows: csv with and without a header, split lines, a matrix; and data that
// is compressed or has records of several bytes.
#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/cleanup.h"
#include "made.h"
#include "pipelines/frame.h"
#include "pipelines/input/matrix.h"
#include "pipelines/rows.h"
#include "pipelines/source/extent.h"
#include "pipelines/source/source.h"
#include "tests/unit/pipelines/folder.h"

static void columns_done(struct plan *plan)
{
    struct row_rule *rows = &plan->source.rows;
    for (size_t i = 0; i < rows->n_columns; i++)
        free(rows->columns[i]);
    free(rows->columns);
}

static void show(const struct plan *plan, const struct run *run, const uint8_t *data, size_t len,
                 struct buf *out)
{
    struct extent e;
    struct err err;
    struct frame_reader r;
    const uint8_t *item;
    size_t item_len;
    buf_add_str(out, "[");
    if (run->kind == RUN_BYTES)
        buf_add(out, data, len);
    if (run->kind == RUN_EXTENT) {
        cr_assert_eq(extent_get(data, len, &e), 0);
        cr_assert_geq(extent_read(&e, &plan->source.separator, plan->directory, out, &err), 0, "%s",
                      err.text);
    }
    if (run->kind == RUN_ITEMS) {
        frame_reader_init(&r, data, len);
        for (size_t n = 0; frame_next(&r, &item, &item_len) == 1; n++) {
            buf_add(out, ";", n > 0);
            buf_add(out, item, item_len);
        }
    }
    buf_add_str(out, "]");
}

// All chunks in brackets; after them what went wrong.
static void expect_chunks(const struct plan *plan, const char *expected)
{
    struct buf out = {0};
    struct source_reader *r = NULL;
    struct err err = {{0}};
    const struct source_want want = {3, UINT64_MAX, 0, 2};
    int result = source_open(plan, &r, &err);
    while (result == 0) {
        struct run run;
        result = source_next(r, &want, &run, &err);
        if (result != 1)
            break;
        size_t at = 0;
        for (uint64_t i = 0; run.lens && i < run.count; i++) {
            show(plan, &run, run.body.data + at, run.lens[i], &out);
            at += run.lens[i];
        }
        if (!run.lens)
            buf_printf(&out, "[%d+%d]", (int)run.item_first, (int)run.count);
        run_done(&run);
        result = 0;
    }
    if (result < 0)
        buf_printf(&out, "! %s", err.text);
    source_close(r);
    buf_add(&out, "", 1);
    cr_expect_str_eq((char *)out.data, expected, "got %s", out.data);
    buf_done(&out);
}

static void text_file(const struct folder *f, const char *name, const char *text)
{
    folder_file(f, name, text, strlen(text));
}

Test(source_table, a_csv_with_a_header)
{
    struct folder f;
    struct made m;
    struct err err;
    folder_make(&f);
    text_file(&f, "a.csv", "\xef\xbb\xbfid,\"the name\"\r\n1,\"x,\ny\"\r\n\r\n2,z\r\n");
    text_file(&f, "b.csv", "id,the name\n3,c");
    struct plan *plan = make(&m, f.path, SOURCE_CSV, CHUNK_ITEMS, 1);
    add(&m, "a.csv"), add(&m, "b.csv");
    cr_assert_eq(source_find_columns(plan, false, &err), 0, "%s", err.text);
    cr_assert_eq(plan->source.rows.n_columns, 2);
    cr_expect_str_eq(plan->source.rows.columns[0], "id");
    cr_expect_str_eq(plan->source.rows.columns[1], "the name");
    cr_expect_eq(rows_column(&plan->source, "the name", 8), 1);
    cr_expect_eq(rows_column(&plan->source, "the", 3), -ENOENT);
    expect_chunks(plan, "[1,\"x,\ny\"][2,z][3,c]");
    m.step.chunking.n = 2;
    expect_chunks(plan, "[1,\"x,\ny\";2,z][3,c]");
    text_file(&f, "b.csv", "id,name\n3,c\n");
    expect_chunks(plan,
                  "[1,\"x,\ny\";2,z]! b.csv:1: its header differs from that of the first file");
    columns_done(plan);
    folder_remove(&f);
}

Test(source_table, rows_that_are_wrong_have_their_line)
{
    static const char *const cases[][2] = {
        {"a,b\n1,2\n3\n", "[1,2]! x.csv:3: 1 field, header has 2"},
        {"a,b\n\"1\n\",2\n\n3,4,5\n", "[\"1\n\",2]! x.csv:5: 3 fields, header has 2"},
        {"a,b\n1,2\n\"3,4\n5,6\n", "[1,2]! x.csv:3: a quote is never closed"},
        {"a,b\n1,2\n\"3\"x,4\n", "[1,2]! x.csv:3: text after a closing quote"},
        {"a\n\n1\n", "[][1]"},
        {"a,b\n", ""},
        {"", ""},
    };
    struct folder f;
    struct made m;
    struct err err;
    folder_make(&f);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        text_file(&f, "x.csv", cases[i][0]);
        struct plan *plan = make(&m, f.path, SOURCE_CSV, CHUNK_ITEMS, 1);
        add(&m, "x.csv");
        cr_assert_eq(source_find_columns(plan, false, &err), 0, "%s", err.text);
        expect_chunks(plan, cases[i][1]);
        columns_done(plan);
    }
    folder_remove(&f);
}

Test(source_table, a_csv_without_a_header)
{
    struct folder f;
    struct made m;
    struct err err;
    folder_make(&f);
    text_file(&f, "x.csv", "1;2\n3;4\n5\n");
    struct plan *plan = make(&m, f.path, SOURCE_CSV, CHUNK_ITEMS, 1);
    plan->source.rows.has_header = false;
    plan->source.rows.delimiter = ';';
    add(&m, "x.csv");
    cr_assert_eq(source_find_columns(plan, false, &err), 0, "%s", err.text);
    cr_expect_eq(plan->source.rows.n_columns, 2);
    cr_expect_str_eq(rows_column_name(&plan->source, 1), "");
    expect_chunks(plan, "[1;2][3;4]! x.csv:3: 1 field, the first row has 2");
    columns_done(plan);
    folder_remove(&f);
}

Test(source_table, lines_split_at_a_separator)
{
    struct folder f;
    struct made m;
    struct err err;
    char separator[] = "::";
    folder_make(&f);
    text_file(&f, "x", "id::n\n1::2\n\n3\n4::5::6\n");
    struct plan *plan = make(&m, f.path, SOURCE_CSV, CHUNK_ITEMS, 1);
    plan->source.rows = (struct row_rule){.form = ROW_SPLIT, .split_at = separator};
    add(&m, "x");
    cr_assert_eq(source_find_columns(plan, false, &err), 0);
    cr_expect_eq(plan->source.rows.n_columns, 0, "rows may have as many fields as they like");
    expect_chunks(plan, "[id::n][1::2][][3][4::5::6]");
    plan->source.rows.has_header = true;
    cr_assert_eq(source_find_columns(plan, false, &err), 0);
    cr_expect_eq(plan->source.rows.n_columns, 2);
    expect_chunks(plan, "[1::2]! x:3: 1 field, header has 2");
    columns_done(plan);
    folder_remove(&f);
}

Test(source_table, a_header_that_can_not_be_had)
{
    struct folder f;
    struct made m;
    struct err err;
    folder_make(&f);
    struct plan *plan = make(&m, f.path, SOURCE_CSV, CHUNK_ITEMS, 1);
    add(&m, "none");
    cr_expect_eq(source_find_columns(plan, false, &err), -ENOENT);
    cr_expect_str_eq(err.text, "source.csv: 'none': No such file or directory");
    text_file(&f, "none", "\"a\n");
    cr_expect_eq(source_find_columns(plan, false, &err), -EINVAL);
    cr_expect_str_eq(err.text, "none:1: a quote is never closed");
    char *long_row = malloc(200000);
    memset(long_row, 'x', 200000);
    folder_file(&f, "none", long_row, 200000);
    free(long_row);
    cr_expect_eq(source_find_columns(plan, false, &err), -EMSGSIZE);
    cr_expect_str_eq(err.text, "none:1: the first row is too long");
    folder_remove(&f);
}

Test(source_table, a_matrix_is_described)
{
    struct made m;
    struct plan *plan = make(&m, "/", SOURCE_MATRIX, CHUNK_ITEMS, 2);
    plan->source.matrix = matrix_new();
    for (int i = 0; i < 2; i++) {
        cr_assert_eq(matrix_add_axis(plan->source.matrix, NULL), 0);
        cr_assert_eq(matrix_set_range(plan->source.matrix, &(struct range){0, 1, 3}), 0);
    }
    cr_assert_eq(matrix_seal(plan->source.matrix, NULL), 0);
    expect_chunks(plan, "[0+3][6+2]");
    m.step.chunking = (struct chunking){CHUNK_PARTS, 3};
    expect_chunks(plan, "[0+3]");
    matrix_free(plan->source.matrix);
}

Test(source_table, records_in_files_and_pipes)
{
    struct folder f;
    struct made m;
    folder_make(&f);
    text_file(&f, "x.fa", ";by hand\n>a b>c\nAC\nGT\n>d\nA\n>e\n");
    struct plan *plan = make(&m, f.path, SOURCE_DATA, CHUNK_LINES, 2);
    plan->source.separator =
        (struct separator_rule){.end = "\n", .end_len = 1, .start = ">", .start_len = 1};
    add(&m, "x.fa");
    expect_chunks(plan, "[;by hand\n>a b>c\nAC\nGT\n][>d\nA\n>e\n]");
    plan->source.separator.header_lines = 1;
    expect_chunks(plan, "[;by hand\n>a b>c\nAC\nGT\n>d\nA\n][;by hand\n>e\n]");
    m.step.chunking.n = 1;
    plan->source.separator.drops_end = true;
    expect_chunks(plan, "[;by hand\n>a b>c\nAC\nGT][;by hand\n>d\nA][;by hand\n>e]");
    m.step.chunking = (struct chunking){CHUNK_BYTES, 4};
    expect_chunks(plan, "[;by hand\n>a b>c\nAC\nGT][][][;by hand\n>d\nA][;by hand\n>e][]");
    m.step.chunking = (struct chunking){CHUNK_PARTS, 2};
    expect_chunks(plan, "[;by hand\n>a b>c\nAC\nGT][;by hand\n>d\nA>e]");
    text_file(&f, "x.fa", "only one line");
    expect_chunks(plan, "");
    folder_remove(&f);
}

// The index of records reads in blocks; a mark may lie across two of them.
Test(source_table, a_mark_across_two_blocks)
{
    struct folder f;
    struct made m;
    char *text = malloc(70000), *expected = malloc(70000);
    folder_make(&f);
    memset(text, 'x', 65535);
    memcpy(text + 65535, "\r\ny\r\n\r", 7);
    snprintf(expected, 70000, "[%.65537s][y\r\n][\r]", text);
    text_file(&f, "x", text);
    struct plan *plan = make(&m, f.path, SOURCE_DATA, CHUNK_LINES, 1);
    plan->source.separator = (struct separator_rule){.end = "\r\n", .end_len = 2};
    add(&m, "x");
    expect_chunks(plan, expected);
    free(text);
    free(expected);
    folder_remove(&f);
}

static void gzip_file(const struct folder *f, const char *name, const char *text)
{
    char path[512];
    snprintf(path, sizeof(path), "%s/%s", f->path, name);
    gzFile file = gzopen(path, "wb");
    cr_assert_not_null(file);
    cr_assert_eq(gzwrite(file, text, (unsigned)strlen(text)), (int)strlen(text));
    gzclose(file);
}

Test(source_table, compressed_files_are_read_as_streams)
{
    struct folder f;
    struct made m;
    folder_make(&f);
    gzip_file(&f, "x", "h\n1\n2\n3\n");
    text_file(&f, "y", "h\n4\n5");
    struct plan *plan = make(&m, f.path, SOURCE_DATA, CHUNK_LINES, 2);
    plan->source.separator.header_lines = 1;
    add(&m, "x"), add(&m, "y");
    expect_chunks(plan, "[h\n1\n2\n][h\n3\n][h\n4\n5]");
    m.step.chunking = (struct chunking){CHUNK_PARTS, 2};
    expect_chunks(plan, "! source.data: 'x' is compressed, so its size is unknown; chunk.parts "
                        "needs a plain file, use bytes or lines");
    m.step.chunking = (struct chunking){CHUNK_LINES, 1};
    plan->source.n_texts = 1;
    folder_file(&f, "x", "\x1f\x8b\x08nonsense", 11);
    expect_chunks(plan,
                  "! source.data: 'x': its compressed data are damaged near byte 4; what comes "
                  "before has been read. Test it with 'gzip -t', and get it again");
    folder_file(&f, "x", "\x1f\x8b\x08", 3);
    expect_chunks(
        plan, "! source.data: 'x' is truncated: its compressed data end too early, after byte 3; "
              "what comes before has been read. Test it with 'gzip -t', and get it again");
    folder_remove(&f);
}
