// Tables that fit, and how wide text is.
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/text/columns.h"
#include "cli/text/table.h"

static const struct table_column columns[] = {
    {"N", true, 0, 0}, {"NAME", false, 0, 4}, {"HOST", false, 2, 0}, {"OK", true, 1, 0}};

// Of three rows, rows `first` on.
static const char *printed(size_t first, size_t n, size_t width)
{
    static char ret[1024];
    struct table table;
    setenv("LC_ALL", "C", 1);
    memset(ret, 0, sizeof(ret));
    table_begin(&table, columns, 4);
    const char *const cells[] = {"1",  "a",         "h", "5", //
                                 "2",  "long-name", "h", "6", //
                                 "30", "",          "h", "70"};
    for (size_t i = 0; i < sizeof(cells) / sizeof(*cells); i++)
        table_cell(&table, "%s", cells[i]);
    cr_assert_eq(table_rows(&table), 3);
    FILE *out = fmemopen(ret, sizeof(ret), "w");
    cr_assert_eq(table_print(&table, first, n, width, out), 0);
    fclose(out);
    table_done(&table);
    return ret;
}

Test(table, whole_without_a_width)
{
    cr_expect_str_eq(printed(0, 9, 0), " N  NAME       HOST  OK\n"
                                       " 1  a          h      5\n"
                                       " 2  long-name  h      6\n"
                                       "30             h     70\n");
    cr_expect_str_eq(printed(0, 9, 23), printed(0, 9, 0));
}

Test(table, names_are_cut_before_columns_go)
{
    cr_expect_str_eq(printed(0, 9, 20), " N  NAME    HOST  OK\n"
                                        " 1  a       h      5\n"
                                        " 2  long-~  h      6\n"
                                        "30          h     70\n");
}

Test(table, what_matters_least_goes_first)
{
    cr_expect_str_eq(printed(0, 9, 14), " N  NAME    OK\n"
                                        " 1  a        5\n"
                                        " 2  long-~   6\n"
                                        "30          70\n");
    cr_expect_str_eq(printed(0, 9, 9), " N  NAME\n 1  a\n 2  long~\n30  \n");
}

Test(table, never_wider_than_it_may_be)
{
    for (size_t width = 1; width < 30; width++) {
        char text[1024];
        snprintf(text, sizeof(text), "%s", printed(0, 9, width));
        for (char *line = text, *end; (end = strchr(line, '\n')); line = end + 1) {
            *end = '\0';
            cr_expect_leq(text_columns(line), width);
        }
    }
}

Test(table, some_rows)
{
    cr_expect_str_eq(printed(1, 1, 0), "N  NAME       HOST  OK\n2  long-name  h      6\n");
    cr_expect_str_eq(printed(7, 1, 0), "\n");
}

Test(table, empty_columns_and_steering_text)
{
    char text[256] = "";
    struct table table;
    table_begin(&table, columns, 4);
    table_cell(&table, "%d", 1);
    table_cell(&table, "a\033[2Jb\nc");
    table_cell(&table, "%s", "");
    table_cell(&table, "%d", 2);
    FILE *out = fmemopen(text, sizeof(text), "w");
    cr_assert_eq(table_print(&table, 0, 1, 0, out), 0);
    fclose(out);
    cr_expect_str_eq(text, "N  NAME      OK\n1  a?[2Jb c   2\n");
    table_done(&table);
}

static const char *cut(const char *text, size_t n)
{
    static char ret[64];
    text_cut(text, n, ret, sizeof(ret));
    return ret;
}

Test(columns, of_characters)
{
    cr_expect_eq(text_columns("abc"), 3);
    cr_expect_eq(text_columns("\xc3\xa4"), 1);     // a-umlaut
    cr_expect_eq(text_columns("a\xcc\x88"), 1);    // a and its dots
    cr_expect_eq(text_columns("\xe6\xbc\xa2"), 2); // a Chinese character
    cr_expect_eq(text_columns("\xf0\x9f\x98\x80"), 2);
    cr_expect_eq(text_columns("\xff"), 1);
    cr_expect_eq(text_columns(""), 0);
}

Test(columns, cut_by_what_is_seen)
{
    setenv("LC_ALL", "C", 1);
    cr_expect_str_eq(cut("abcd", 4), "abcd");
    cr_expect_str_eq(cut("abcde", 4), "abc~");
    cr_expect_str_eq(cut("abcde", 1), "~");
    cr_expect_str_eq(cut("abcde", 0), "");
    setenv("LC_ALL", "C.UTF-8", 1);
    cr_expect_str_eq(cut("\xc3\xa4\xc3\xa4\xc3\xa4", 2), "\xc3\xa4\xe2\x80\xa6");
    // Half a wide character does not fit.
    cr_expect_str_eq(cut("\xe6\xbc\xa2\xe6\xbc\xa2", 3), "\xe6\xbc\xa2\xe2\x80\xa6");
    cr_expect_str_eq(cut("\xe6\xbc\xa2\xe6\xbc\xa2", 2), "\xe2\x80\xa6");
}
