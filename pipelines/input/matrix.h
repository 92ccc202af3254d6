// A matrix: all combinations of the values of its axes, in written order, the last axis fastest.
// Nothing is multiplied out: a combination is a number from 0 to matrix_count() - 1, and
// matrix_row() turns it into fields. `exclude` drops combinations without leaving gaps in the
// numbers; `include` adds fields or combinations as GitHub Actions does.
//
// Built in order, by a job file or the command line:
//     m = matrix_new();
//     matrix_add_axis(m, NULL);  matrix_add_value(m, "a", 1);  matrix_add_value(m, "b", 1);
//     matrix_link_axis(m, NULL); matrix_add_value(m, "1", 1);  matrix_add_value(m, "2", 1);
//     matrix_seal(m, &err);      // a 1, b 2
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "pipelines/input/range.h"
#include "pipelines/input/row.h"

#define MATRIX_AXES_MAX 64u
#define MATRIX_RULES_MAX 1024u       // of exclude, and of include
#define MATRIX_VALUES_MAX (1u << 18) // written values of all axes
#define MATRIX_BYTES_MAX (2u << 20)  // of all written values: every worker gets them
#define MATRIX_EDGES_MAX (1u << 18)  // of the graph that counts the remaining combinations

struct matrix;
struct pack_writer;
struct pack_reader;

// NULL when out of memory.
struct matrix *matrix_new(void);
// Accepts NULL. Returns NULL.
struct matrix *matrix_free(struct matrix *m);

// Begins an axis. `name` (copied; NULL: none) makes {name}; each axis is {1}, {2}.. too.
// -E2BIG past a limit, -EEXIST when another axis has the name, -ENOMEM.
int matrix_add_axis(struct matrix *m, const char *name);
// Begins an axis that is linked with the one before instead of being combined with it: value 1 with
// value 1, 2 with 2. The shortest of linked axes decides their length. Errors as above; -EINVAL
// without an axis before.
int matrix_link_axis(struct matrix *m, const char *name);
// Adds a value to the last axis: any bytes but NUL, copied. -E2BIG past a limit, -EINVAL without an
// axis or when it is a range, -ENOMEM.
int matrix_add_value(struct matrix *m, const void *data, size_t len);
// Makes the last axis, which has no values yet, a range of numbers. Errors as above.
int matrix_set_range(struct matrix *m, const struct range *range);

// Begins a rule of exclude: combinations that match all of its pairs are dropped. -E2BIG, -ENOMEM.
int matrix_add_exclude(struct matrix *m);
// Begins a rule of include. When a combination is the same in all pairs that name an axis, the
// other pairs become fields of it (a later rule overwrites an earlier one's); a rule that matches
// no combination becomes one of its own, after all others. -E2BIG, -ENOMEM.
int matrix_add_include(struct matrix *m);
// Adds a pair to the last rule. For exclude: -ENOENT when no axis has the name, -ERANGE when the
// axis has no such value. For include a new name makes a new column. -EEXIST when the rule
// has the name already; -EINVAL without a rule, -E2BIG, -ENOMEM.
int matrix_add_pair(struct matrix *m, const char *name, const void *data, size_t len);

// Ends the building: counts. -EINVAL with text (an axis without values), -ERANGE for more
// than INT64_MAX combinations, -E2BIG when the rules of exclude overlap too much to be counted,
// -ENOMEM. The functions above must not be called after it, those below not before.
int matrix_seal(struct matrix *m, struct err *err);

uint64_t matrix_count(const struct matrix *m);
// Axes first, then columns that only include names.
size_t matrix_n_columns(const struct matrix *m);
// "" for an axis without a name. Borrowed.
const char *matrix_column_name(const struct matrix *m, size_t column);
// Fills the row, one field for each column; one that a combination does not have is empty.
// -ERANGE past the last combination; -ENOMEM, -ENOBUFS.
int matrix_row(const struct matrix *m, uint64_t index, struct row *row);
// Appends the fields that the combination has, joined by spaces: its text as an item. As above.
int matrix_text(const struct matrix *m, uint64_t index, struct buf *out);

// The packed form, whole. matrix_unpack bounds and checks everything, and returns a sealed matrix;
// NULL, with the reader failed, if it can't.
void matrix_pack(const struct matrix *m, struct pack_writer *w);
struct matrix *matrix_unpack(struct pack_reader *r);
