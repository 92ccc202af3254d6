// Input: a table, cut at places that its first byte chooses, and each row taken apart.
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

#include "pipelines/input/row.h"
#include "pipelines/source/row_scan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void take_apart(const struct row_rule *rule, const struct row_scan *s)
{
    struct row row;
    const char *why;
    row_init(&row);
    int r = row_split(rule, s->row.data, s->row.len, &row, &why);
    if (r == 0 && (row_count(&row) == 0 || row_count(&row) > ROW_FIELDS_MAX))
        abort();
    size_t bytes = 0;
    for (size_t i = 0; i < row_count(&row); i++)
        bytes += row_field(&row, i).len;
    if (bytes > s->row.len)
        abort();
    row_done(&row);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char separator[] = "::";
    const struct row_rule rules[] = {{.form = ROW_CSV, .delimiter = ','},
                                     {.form = ROW_SPLIT, .split_at = separator}};
    if (size == 0)
        return 0;
    const struct row_rule *rule = &rules[data[0] & 1];
    size_t step = 1 + (data[0] >> 1);
    struct row_scan s;
    row_scan_init(&s, rule, '\n');
    for (size_t at = 1; at < size;) {
        size_t n = step < size - at ? step : size - at, used;
        int r = row_scan_feed(&s, data + at, n, &used);
        if (r < 0 || used == 0 || used > n)
            abort();
        at += used;
        if (r == 0)
            continue;
        take_apart(rule, &s);
        row_scan_next(&s);
    }
    if (row_scan_end(&s) == 1)
        take_apart(rule, &s);
    row_scan_done(&s);
    return 0;
}
