#include "pipelines/input/row.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

static const struct row_rule csv = {.form = ROW_CSV, .delimiter = ','};

// The fields with '|' between them, or why the row has none.
static void expect_fields(const struct row_rule *rule, const char *text, const char *expected)
{
    struct row row;
    struct buf shown;
    const char *why;
    row_init(&row);
    buf_init(&shown, 0);
    int r = row_split(rule, text, strlen(text), &row, &why);
    if (r < 0)
        cr_assert_eq(buf_printf(&shown, "! %s", why), 0);
    for (size_t i = 0; r == 0 && i < row_count(&row); i++) {
        struct field f = row_field(&row, i);
        cr_assert_eq(buf_printf(&shown, "%s%.*s", i ? "|" : "", (int)f.len, f.at), 0);
    }
    cr_assert_eq(buf_add(&shown, "", 1), 0);
    cr_expect_str_eq((char *)shown.data, expected, "'%s' gave '%s'", text, shown.data);
    cr_expect_eq(row_field(&row, 99).len, 0);
    row_done(&row);
    buf_done(&shown);
}

Test(row, csv_as_in_rfc_4180)
{
    expect_fields(&csv, "a,b,c", "a|b|c");
    expect_fields(&csv, "a,,", "a||");
    expect_fields(&csv, "", "");
    expect_fields(&csv, "\"a,b\",\"x \"\"y\"\"\",\"\"", "a,b|x \"y\"|");
    expect_fields(&csv, "\"two\nlines\",z", "two\nlines|z");
    expect_fields(&csv, "12\"x,b", "12\"x|b");
    expect_fields(&csv, " a , \"b\"", " a | \"b\"");
    expect_fields(&csv, "\"a", "! a quote is never closed");
    expect_fields(&csv, "\"a\"b,c", "! text after a closing quote");
    expect_fields(&(struct row_rule){.form = ROW_CSV, .delimiter = ';'}, "a;b,c", "a|b,c");
}

Test(row, text_between_separators)
{
    char separator[] = "::";
    const struct row_rule split = {.form = ROW_SPLIT, .split_at = separator};
    expect_fields(&split, "a::b:c::", "a|b:c|");
    expect_fields(&split, "", "");
    expect_fields(&split, ":::", "|:");
    expect_fields(&split, "\"a::b\"", "\"a|b\"");
    expect_fields(&(struct row_rule){0}, "a,b", "");
}

Test(row, too_many_fields_end)
{
    struct row row;
    const char *why;
    char *commas = malloc(ROW_FIELDS_MAX);
    memset(commas, ',', ROW_FIELDS_MAX);
    row_init(&row);
    cr_expect_eq(row_split(&csv, commas, ROW_FIELDS_MAX - 1, &row, &why), 0);
    cr_expect_eq(row_count(&row), ROW_FIELDS_MAX);
    cr_expect_eq(row_split(&csv, commas, ROW_FIELDS_MAX, &row, &why), -E2BIG);
    row_done(&row);
    free(commas);
}
