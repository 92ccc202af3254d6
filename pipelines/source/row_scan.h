// Finds where rows end in a stream of bytes, however it is cut into blocks. Pure: no descriptor.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "pipelines/input/row.h"

struct row_scan {
    enum row_form form;
    char delimiter;  // ROW_CSV: between fields
    char row_end;    // ROW_SPLIT
    bool keeps_cr;   // ROW_SPLIT: a CR before the row's end belongs to the row
    bool after_cr;   // ROW_CSV: a newline that comes next belongs to the end of the row before
    unsigned state;  // within a row
    struct buf row;  // the row, or its part so far, as it is written
    uint64_t line;   // where the row begins, from 1
    uint64_t breaks; // ends of lines in it
};
// `row_end` is the last byte of a row of ROW_SPLIT; a row of ROW_CSV ends at a newline, a CR or
// both outside quotes. row_scan_done frees.
void row_scan_init(struct row_scan *s, const struct row_rule *rule, char row_end);
void row_scan_done(struct row_scan *s);
// Takes bytes until a row is complete: 1, with the row in s->row without its end; 0 when more bytes
// are needed. *ret_used bytes were consumed. -EMSGSIZE past FRAME_ITEM_MAX, -ENOMEM.
int row_scan_feed(struct row_scan *s, const void *data, size_t len, size_t *ret_used);
// The end of a file: 1 when a last row without its end is left, 0, or -EINVAL when it is within
// quotes.
int row_scan_end(struct row_scan *s);
// Done with the row: goes on to the next.
void row_scan_next(struct row_scan *s);
