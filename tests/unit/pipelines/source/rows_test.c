#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "pipelines/plan.h"
#include "pipelines/source/row_scan.h"
#include "pipelines/source/rows.h"

static const struct row_rule csv = {.form = ROW_CSV, .delimiter = ','};

// The fields with '|' between them, or the reason why there are none.
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

Test(rows, csv_as_in_rfc_4180)
{
    expect_fields(&csv, "a,b,c", "a|b|c");
    expect_fields(&csv, "a,,", "a||");
    expect_fields(&csv, "", "");
    expect_fields(&csv, "\"a,b\",\"x \"\"y\"\"\",\"\"", "a,b|x \"y\"|");
    expect_fields(&csv, "\"two\nlines\",z", "two\nlines|z");
    expect_fields(&csv, "12\"x,b", "12\"x|b");
    expect_fields(&csv, " a , \"b\"", " a | \"b\"");
    expect_fields(&csv, "\"a", "! a quote is never closed");
    expect_fields(&csv, "\"a\"b,c", "! text behind a closing quote");
    expect_fields(&(struct row_rule){.form = ROW_CSV, .delimiter = ';'}, "a;b,c", "a|b,c");
}

Test(rows, text_between_separators)
{
    char separator[] = "::";
    const struct row_rule split = {.form = ROW_SPLIT, .separator = separator};
    expect_fields(&split, "a::b:c::", "a|b:c|");
    expect_fields(&split, "", "");
    expect_fields(&split, ":::", "|:");
    expect_fields(&split, "\"a::b\"", "\"a|b\"");
    expect_fields(&(struct row_rule){0}, "a,b", "");
}

Test(rows, too_many_fields_end)
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

Test(rows, joined_by_blanks)
{
    struct row row;
    struct buf out = {0};
    row_init(&row);
    cr_assert_eq(row_add(&row, "a", 1), 0);
    cr_assert_eq(row_add(&row, "", 0), 0);
    cr_assert_eq(row_add(&row, "b c", 3), 0);
    cr_assert_eq(row_join(&row, &out), 0);
    cr_expect(out.len == 6 && memcmp(out.data, "a  b c", 6) == 0);
    row_done(&row);
    buf_done(&out);
}

#define TABLE                                                                                      \
    "\xef\xbb\xbf"                                                                                 \
    "a,b\r\n1,\"x\ny\"\n\n\"q\"\"\n\",2\r\n5\"6,\"\"\nlast,row"
#define ROWS "1[a,b]2[1,\"x\ny\"]4[]5[\"q\"\"\n\",2]7[5\"6,\"\"]8[last,row]"

// However the text is cut, the same rows come.
Test(row_scan, rows_of_any_cutting)
{
    unsigned seed = 3;
    for (int round = 0; round < 300; round++) {
        struct row_scan s;
        struct buf out = {0};
        const char *at = TABLE;
        size_t left = strlen(TABLE);
        row_scan_init(&s, &csv, '\n');
        while (left) {
            size_t n = 1 + (size_t)rand_r(&seed) % (round % 3 ? 3 : 40), used;
            n = n < left ? n : left;
            int r = row_scan_feed(&s, at, n, &used);
            cr_assert_geq(r, 0);
            at += used;
            left -= used;
            if (r == 0)
                continue;
            cr_assert_eq(buf_printf(&out, "%d[%.*s]", (int)s.line, (int)s.row.len, s.row.data), 0);
            row_scan_next(&s);
        }
        cr_assert_eq(row_scan_end(&s), 1);
        cr_assert_eq(buf_printf(&out, "%d[%.*s]", (int)s.line, (int)s.row.len, s.row.data), 0);
        cr_assert_eq(buf_add(&out, "", 1), 0);
        cr_assert_str_eq((char *)out.data, ROWS);
        row_scan_done(&s);
        buf_done(&out);
    }
}

Test(row_scan, an_end_inside_of_quotes)
{
    struct row_scan s;
    size_t used;
    row_scan_init(&s, &csv, '\n');
    cr_assert_eq(row_scan_feed(&s, "a,\"b\n", 5, &used), 0);
    cr_expect_eq(row_scan_end(&s), -EINVAL);
    row_scan_done(&s);
}
