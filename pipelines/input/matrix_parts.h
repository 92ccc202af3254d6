// Inside of a matrix: what matrix*.c share.
#pragma once
#include "base/buf.h"
#include "pipelines/input/matrix.h"

struct span {
    size_t at; // in matrix.bytes
    size_t len;
};

struct axis {
    char *name;  // NULL: none
    bool linked; // goes along with the axis before
    bool is_range;
    struct range range;
    size_t first; // of its values in matrix.values
    size_t n;     // of them; 0: a range
};

// Axes that go along with one another: one place of a combination.
struct group {
    size_t first;
    size_t n;
    uint64_t count;
};

struct pair {
    size_t column; // below n_axes: an axis
    struct span value;
};

struct rule {
    size_t first; // of its pairs in matrix.pairs
    size_t n;
    bool extends; // include: some combination matches it
};

// One step of counting: the axis `level`, and which rules of exclude may still match. Values that
// no rule names share a child.
#define NODE_NONE 0u // nothing is left here
#define NODE_FREE 1u // all that follows is left
struct node_of_count {
    size_t level;
    uint64_t count;    // combinations that are left below
    size_t children;   // in matrix.children: one for each named value of the axis
    uint32_t fallback; // for the others
    uint64_t *set;     // rules that may still match; only while counting
};

// A position of an axis whose value some rule of exclude names.
struct special {
    uint64_t position;
    size_t id; // of the value, among those named on this axis
};

struct matrix {
    struct axis *axes;
    size_t n_axes;
    char **extra; // names of columns that only include has
    size_t n_extra;
    struct buf values; // struct span
    struct buf bytes;
    struct buf pairs; // struct pair
    struct rule *excludes;
    size_t n_excludes;
    struct rule *includes;
    size_t n_includes;
    bool last_is_include; // where matrix_add_pair goes
    // sealed
    struct group *groups;
    size_t n_groups;
    uint64_t *below; // combinations of all groups from the i-th on, n_groups + 1 of them
    struct node_of_count *nodes;
    size_t n_nodes;
    uint32_t root;
    struct buf children;       // uint32_t
    struct special **specials; // of each axis, by position
    size_t *n_specials;
    size_t *n_ids;      // named values of each axis
    struct buf *named;  // of each axis: struct span, sorted by text
    uint64_t base;      // combinations of the axes that are left
    uint64_t n_created; // that include made
};

static inline const struct span *matrix_span(const struct matrix *m, size_t value)
{
    return (const struct span *)(const void *)m->values.data + value;
}
static inline const struct pair *matrix_pair(const struct matrix *m, size_t pair)
{
    return (const struct pair *)(const void *)m->pairs.data + pair;
}
static inline uint64_t axis_count(const struct axis *axis)
{
    return axis->is_range ? axis->range.count : axis->n;
}
// Position of a value on an axis, or -ENOENT.
int matrix_find_value(const struct matrix *m, const struct axis *axis, const char *value,
                      size_t len, uint64_t *ret);
// Orders spans by their text.
int matrix_compare(const struct matrix *m, struct span a, struct span b);
// Builds the graph that counts, and finds out which rules of include extend. As matrix_seal().
int matrix_count_all(struct matrix *m, struct err *err);
// The positions, one for each group, of a combination of the axes. `index` is below m->base.
void matrix_positions(const struct matrix *m, uint64_t index, uint64_t *ret);
