// The inside of a matrix, which matrix*.c share.
#pragma once
#include "base/buf.h"
#include "pipelines/input/matrix.h"

struct span {
    size_t at; // in matrix.bytes
    size_t len;
};

// A position of an axis whose value some rule of exclude names.
struct special {
    uint64_t position;
    size_t id; // of the value, among those named on this axis
};

struct axis {
    char *name;  // NULL: none
    bool linked; // linked with the axis before
    bool is_range;
    struct range range;
    size_t first; // of its values in matrix.values
    size_t n;     // of them; 0: a range
    // Sealed: what the rules of exclude say of it.
    struct span *named; // the values that they name, by text
    size_t n_named;
    struct special *specials; // by position
    size_t n_specials;
    uint64_t *
        possible; // sets of rules: those that each named value, and then any other, leaves possible
    uint64_t *decided; // rules that name no later axis
};

// Linked axes: one place of a combination.
struct axis_group {
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

// One step of counting: the axis of the level, and which rules of exclude may still match.
struct count_node {
    size_t level;
    uint64_t count; // combinations that remain below
    struct count_node *
        *children;   // for each named value of the axis, then for any other; NULL: none
    size_t searched; // the number of the search that found nothing below
    size_t set_bytes;
    uint64_t set[];
};

#define MATRIX_NUMBER_BYTES 24 // of a number of a range, with its end

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
    struct axis_group *groups;
    size_t n_groups;
    size_t set_words; // of a set of rules of exclude
    void *nodes;      // struct count_node, a tree of search.h
    size_t n_nodes;
    size_t n_edges;          // to named values
    struct count_node *root; // NULL: none remain
    uint64_t base;           // combinations of the axes that remain
    uint64_t n_created;      // that include made
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
// The positions, one for each group, of a combination of the axes. `index` is below m->base.
void matrix_positions(const struct matrix *m, uint64_t index, uint64_t *ret);
