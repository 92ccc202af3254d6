// What a stage is given: the items or the data of a chunk, however they came to this machine, or
// the output of the stage before.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "pipelines/plan.h"
#include "pipelines/run.h"
#include "pipelines/source/extent.h"

struct input_item {
    const uint8_t *at; // followed by a NUL byte
    size_t len;
};

// Reused from chunk to chunk. Zeroed by input_init; input_done frees.
struct input {
    enum run_kind kind;
    const struct plan *plan; // borrowed
    uint64_t item_first;
    size_t n_items;
    bool is_data;  // one piece of data, no list of items
    uint8_t *data; // borrowed payload; the byte after it is lent too
    size_t len;
    struct buf index;  // struct input_item of each item, when made
    struct buf text;   // numbers as text, or a file's part
    struct buf joined; // items one a line
    struct extent_seen seen;
    bool joined_made;
    bool has_no_record; // a piece of data in which no record begins: no stage runs for it
    bool out_of_memory; // a later look at the items failed
};
void input_init(struct input *in);
void input_done(struct input *in);
// Gives back the memory of unusually large chunks.
void input_trim(struct input *in);

struct input_chunk {
    enum run_kind kind;
    uint64_t item_first;
    uint64_t n_items; // of RUN_RANGE; others count their own
    bool is_data;
    uint8_t *data; // writable, with one byte of room after it; both may change
    size_t len;
};
// Makes a chunk readable. Borrows the payload and the plan until the next open. Blocking: it reads
// the file of an extent. Negative errno with text on input that can't be had.
int input_open(struct input *in, const struct plan *plan, const struct input_chunk *chunk,
               struct err *err);
// The output of an earlier stage, as one item. `data` has a writable byte after it.
void input_open_bytes(struct input *in, uint8_t *data, size_t len);

// Item `index`; NULL: past the last one, or no memory. Borrowed until the next open.
const struct input_item *input_item(struct input *in, size_t index);
// The fields of item `index`, into `row`; none when items have none. Negative errno as row_of_item.
int input_row(struct input *in, size_t index, struct row *row);
// All of it: data as it is, items one a line. NULL when memory is out.
const void *input_data(struct input *in, size_t *ret_len);
