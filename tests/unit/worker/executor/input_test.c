// What a command is given of rows: the item's text and its fields.
#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "pipelines/frame.h"
#include "pipelines/input/matrix.h"
#include "worker/executor/input.h"

static void expect_row(struct input *in, size_t index, const char *item, const char *fields)
{
    struct row row;
    struct buf shown = {0};
    row_init(&row);
    cr_assert_eq(input_row(in, index, &row), 0);
    for (size_t i = 0; i < row_count(&row); i++)
        buf_printf(&shown, "%s%.*s", i ? "|" : "", (int)row_field(&row, i).len,
                   row_field(&row, i).at);
    buf_add(&shown, "", 1);
    cr_expect_str_eq((char *)shown.data, fields);
    const struct input_item *got = input_item(in, index);
    cr_assert_not_null(got);
    cr_expect_str_eq((const char *)got->at, item);
    cr_expect_eq(got->len, strlen(item));
    buf_done(&shown);
    row_done(&row);
}

Test(input, items_that_are_split)
{
    char separator[] = "::";
    struct plan plan = {
        .source = {.kind = SOURCE_ITEMS, .rows = {.form = ROW_SPLIT, .split_at = separator}}};
    struct buf frames = {0};
    struct input in;
    struct err err;
    cr_assert_eq(frame_add(&frames, "a::b c", 6), 0);
    cr_assert_eq(frame_add(&frames, "::", 2), 0);
    cr_assert_eq(buf_add(&frames, "", 1), 0);
    struct input_chunk chunk = {.kind = RUN_ITEMS, .data = frames.data, .len = frames.len - 1};
    input_init(&in);
    cr_assert_eq(input_open(&in, &plan, &chunk, &err), 0, "%s", err.text);
    expect_row(&in, 0, "a::b c", "a|b c");
    expect_row(&in, 1, "::", "|");
    struct row row;
    row_init(&row);
    cr_expect_eq(input_row(&in, 2, &row), -ENOMEM, "it has none");
    plan.source.rows = (struct row_rule){0};
    cr_expect_eq(input_row(&in, 0, &row), 0);
    cr_expect_eq(row_count(&row), 0, "plain items have no fields");
    row_done(&row);
    input_done(&in);
    buf_done(&frames);
}

Test(input, rows_of_a_matrix)
{
    struct plan plan = {.source = {.kind = SOURCE_MATRIX, .matrix = matrix_new()}};
    struct matrix *m = plan.source.matrix;
    struct input in;
    struct err err;
    cr_assert_eq(matrix_add_axis(m, "a"), 0);
    cr_assert_eq(matrix_add_value(m, "x y", 3), 0);
    cr_assert_eq(matrix_add_value(m, "", 0), 0);
    cr_assert_eq(matrix_add_axis(m, "b"), 0);
    cr_assert_eq(matrix_set_range(m, &(struct range){8, 1, 3}), 0);
    cr_assert_eq(matrix_seal(m, &err), 0);
    struct input_chunk chunk = {.kind = RUN_RANGE, .item_first = 2, .n_items = 3};
    input_init(&in);
    cr_assert_eq(input_open(&in, &plan, &chunk, &err), 0, "%s", err.text);
    expect_row(&in, 2, " 9", "|9");
    expect_row(&in, 0, "x y 10", "x y|10");
    size_t len;
    const char *data = input_data(&in, &len);
    cr_expect_str_eq(data, "x y 10\n 8\n 9\n");
    chunk.n_items = 5;
    cr_expect_eq(input_open(&in, &plan, &chunk, &err), -EPROTO);
    cr_expect_str_eq(err.text, "items 2+5 lie outside the matrix");
    input_done(&in);
    matrix_free(m);
}

Test(input, data_without_a_record_are_told_from_an_empty_result)
{
    struct plan plan = {.source = {.kind = SOURCE_DATA, .separator = {.end = "\n", .end_len = 1}}};
    uint8_t nothing[1] = {0};
    struct input_chunk chunk = {.kind = RUN_BYTES, .data = nothing, .is_data = true};
    struct input in;
    struct err err;
    input_init(&in);
    cr_assert_eq(input_open(&in, &plan, &chunk, &err), 0);
    cr_expect(in.has_no_record);
    plan.source.separator.drops_end = true;
    cr_assert_eq(input_open(&in, &plan, &chunk, &err), 0);
    cr_expect_not(in.has_no_record, "empty records without their ends");
    plan.source = (struct source){.kind = SOURCE_PUSH};
    cr_assert_eq(input_open(&in, &plan, &chunk, &err), 0);
    cr_expect_not(in.has_no_record, "a result of the step before");
    input_done(&in);
}
