// An item of the C interface's streams: a result with all that it points to.
#pragma once
#include "async/operators/batch.h"
#include "base/slice.h"
#include "client/results.h"
#include "fanmill/client.h"

struct fm_item {
    struct fm_result result; // as the program sees it, and may change it (fm_map)
    struct slice data;       // what result.data was at first
    struct slab *frame;      // what result.item was at first
    size_t n_texts;          // bytes of `texts`
    struct fm_item **group;  // what result.group was made of; NULL
    char texts[];            // error, errors, worker; of a copy, data and item before them
};

// A record's result, without copying its data (unless it came in parts). NULL: no memory.
struct fm_item *fm_item_of_record(const struct result_record *record);
// A result that groups those of a batch, which it takes over, also on failure. NULL: no memory.
struct fm_item *fm_item_of_batch(struct batch *batch);
// The same item, or a copy in place of it if it points to memory that is not its own (a program's
// function put it there) or holds much more than it needs: for items that wait for others. NULL,
// and the item is gone: no memory.
struct fm_item *fm_item_keep(struct fm_item *item);
// struct stream's drop. Accepts NULL.
void fm_item_drop(void *item);
