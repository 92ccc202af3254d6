// A row: an item that has fields. An item of a csv is one row as it is written, so it needs no
// encoding of its own: its text is split again wherever the fields are needed.
#pragma once
#include <regex.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

#define ROW_FIELDS_MAX 4096u  // of one row
#define ROW_SPLIT_MAX 64u     // bytes of row_rule.split_at
#define ROW_HEADER_MAX 65536u // bytes of the row that names the columns

enum row_form {
    ROW_PLAIN, // an item is one value, without fields
    ROW_CSV,   // RFC 4180: fields between delimiters, in double quotes where needed
    ROW_SPLIT, // a text stands between two fields, whatever they hold
    ROW_WHOLE, // the item is its only field, {1}
};

#define ROW_TRIM_LEFT 1u
#define ROW_TRIM_RIGHT 2u
// Where the text begins, and its length, without what `trims` drops.
const char *row_trim(uint8_t trims, const char *text, size_t *len);

// How items are split. Of SOURCE_CSV (form CSV or SPLIT), and of SOURCE_ITEMS and SOURCE_LINES with
// ROW_SPLIT (`-C SEP`) or ROW_WHOLE (`map echo {1}`).
struct row_rule {
    enum row_form form;
    char delimiter; // ROW_CSV: between two fields; ','
    char *split_at; // ROW_SPLIT: what stands between two fields, not empty; owned by the plan
    bool is_regex;  // split_at is an extended regular expression
    // SOURCE_CSV: the first row of each file names the columns and is not an item. ROW_SPLIT rows
    // end at source.delimiter, ROW_CSV rows at a newline outside quotes.
    bool has_header;
    // Names of the columns, for {name}; "" for one without a name. Owned by the plan. Filled in by
    // source_find_columns(); NULL with n_columns 0: unknown.
    char **columns;
    size_t n_columns;
    uint8_t trims;       // ROW_TRIM_*: blanks around items and fields are dropped
    bool header_is_read; // the header on a pipe was consumed already; not packed
    bool header_has_cr;  // and it ended with a CR: a newline that comes next belongs to it
};

struct field {
    const char *at; // not NUL-terminated
    size_t len;
};

// The fields of one row; reused from row to row. Zeroed by row_init; row_done frees.
struct row {
    struct buf bytes;
    struct buf ends; // size_t: where each field ends in `bytes`
    char *regex_of;  // the split_at of `regex`; NULL: none is compiled
    regex_t regex;
};
void row_init(struct row *row);
void row_done(struct row *row);
static inline void row_clear(struct row *row)
{
    buf_clear(&row->bytes);
    buf_clear(&row->ends);
}
// Appends a copy. -E2BIG past ROW_FIELDS_MAX, -ENOMEM, -ENOBUFS.
int row_add(struct row *row, const void *data, size_t len);
static inline size_t row_count(const struct row *row)
{
    return row->ends.len / sizeof(size_t);
}
// Borrowed until the row changes. `index` is from 0; a field that the row does not have is empty.
struct field row_field(const struct row *row, size_t index);

// Splits an item; the row is cleared first. -EINVAL when it is not a csv, with *ret_why a static
// text ("a quote is never closed"); else as row_add.
int row_split(const struct row_rule *rule, const void *item, size_t len, struct row *row,
              const char **ret_why);
// Whether the text is an extended regular expression.
bool row_regex_ok(const char *text);
// Whether the character may separate the fields of a csv.
bool row_delimiter_ok(char c);
