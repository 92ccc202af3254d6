#include "pipelines/source/row_scan.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const struct row_rule csv = {.form = ROW_CSV, .delimiter = ','};

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
