// Counts the combinations that exclude leaves without looking at each: a graph whose nodes are an
// axis and the rules that may still match. Values that no rule names share a branch, so its size
// depends on the rules and not on the length of the axes.
#include <errno.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "base/grow.h"
#include "pipelines/input/matrix_parts.h"

#define SET_BITS 64u
#define SET_WORDS_MAX (MATRIX_RULES_MAX / SET_BITS)

// A set of rules of exclude is m->set_words words, a bit for each rule.
static size_t set_bytes(const struct matrix *m)
{
    return m->set_words * sizeof(uint64_t);
}

static void set_put(uint64_t *set, size_t rule)
{
    set[rule / SET_BITS] |= UINT64_C(1) << rule % SET_BITS;
}

// ---- what the rules say about an axis

struct named_key {
    const struct matrix *m;
    struct span value;
};

static int compare(const struct matrix *m, struct span a, struct span b)
{
    size_t len = a.len < b.len ? a.len : b.len;
    int r = len ? memcmp(m->bytes.data + a.at, m->bytes.data + b.at, len) : 0;
    return r ? r : (a.len > b.len) - (a.len < b.len);
}

static int by_text(const void *a, const void *b, void *m)
{
    return compare(m, *(const struct span *)a, *(const struct span *)b);
}

static int key_to_named(const void *key, const void *element)
{
    const struct named_key *k = key;
    return compare(k->m, k->value, *(const struct span *)element);
}

// The number of a value among those named on the axis; n_named if no rule names it.
static size_t find_named(const struct matrix *m, const struct axis *axis, struct span value)
{
    const struct named_key key = {m, value};
    const struct span *found =
        axis->n_named ? bsearch(&key, axis->named, axis->n_named, sizeof(value), key_to_named)
                      : NULL;
    return found ? (size_t)(found - axis->named) : axis->n_named;
}

static const struct pair *pair_on(const struct matrix *m, const struct rule *rule, size_t axis)
{
    for (size_t i = 0; i < rule->n; i++)
        if (matrix_pair(m, rule->first + i)->column == axis)
            return matrix_pair(m, rule->first + i);
    return NULL;
}

static int name_values(struct matrix *m, struct axis *axis)
{
    size_t kept = 0;
    for (size_t i = 0; i < m->n_excludes; i++) {
        const struct pair *pair = pair_on(m, &m->excludes[i], (size_t)(axis - m->axes));
        if (pair && grow(axis->named, axis->n_named, 1) < 0)
            return -ENOMEM;
        if (pair)
            axis->named[axis->n_named++] = pair->value;
    }
    if (axis->n_named)
        qsort_r(axis->named, axis->n_named, sizeof(*axis->named), by_text, m);
    for (size_t i = 0; i < axis->n_named; i++)
        if (!kept || compare(m, axis->named[kept - 1], axis->named[i]) != 0)
            axis->named[kept++] = axis->named[i];
    axis->n_named = kept;
    return 0;
}

static int by_position(const void *a, const void *b)
{
    const struct special *x = a, *y = b;
    return (x->position > y->position) - (x->position < y->position);
}

static int find_specials(struct matrix *m, struct axis *axis)
{
    size_t most = axis->is_range ? axis->n_named : axis->n;
    if (!axis->n_named)
        return 0;
    axis->specials = calloc(most, sizeof(*axis->specials));
    if (!axis->specials)
        return -ENOMEM;
    for (size_t i = 0; i < most; i++) {
        struct special special = {.position = i, .id = i};
        if (axis->is_range) { // matrix_add_pair made sure that it has the value
            const char *text = (const char *)m->bytes.data + axis->named[i].at;
            matrix_find_value(m, axis, text, axis->named[i].len, &special.position);
        } else {
            special.id = find_named(m, axis, *matrix_span(m, axis->first + i));
        }
        if (special.id < axis->n_named)
            axis->specials[axis->n_specials++] = special;
    }
    qsort(axis->specials, axis->n_specials, sizeof(*axis->specials), by_position);
    return 0;
}

// The rules that each named value, and any other, leaves possible; and the rules that name no later
// axis, which match if they are still possible after this one.
static int form_sets(struct matrix *m, struct axis *axis)
{
    size_t number = (size_t)(axis - m->axes);
    axis->possible = calloc((axis->n_named + 2) * m->set_words + 1, sizeof(*axis->possible));
    if (!axis->possible)
        return -ENOMEM;
    axis->decided = axis->possible + (axis->n_named + 1) * m->set_words;
    for (size_t i = 0; i < m->n_excludes; i++) {
        const struct rule *rule = &m->excludes[i];
        const struct pair *pair = pair_on(m, rule, number);
        size_t wanted = pair ? find_named(m, axis, pair->value) : 0;
        for (size_t id = 0; id <= axis->n_named; id++)
            if (!pair || id == wanted)
                set_put(axis->possible + id * m->set_words, i);
        bool is_last = true;
        for (size_t k = 0; k < rule->n; k++)
            is_last &= matrix_pair(m, rule->first + k)->column <= number;
        if (is_last)
            set_put(axis->decided, i);
    }
    return 0;
}

// ---- the graph

static int compare_nodes(const void *a, const void *b)
{
    const struct count_node *x = a, *y = b;
    if (x->level != y->level)
        return x->level < y->level ? -1 : 1;
    return memcmp(x->set, y->set, x->set_bytes);
}

// The axis of a group; where groups have several, nothing is excluded.
static const struct axis *axis_of(const struct matrix *m, size_t level)
{
    return &m->axes[m->groups[level].first];
}

static uint64_t count_of(const struct count_node *node)
{
    return node ? node->count : 0;
}

// The node of a level and a set; *ret_is_new: its children and count are not known yet.
static int find_node(struct matrix *m, size_t level, const uint64_t *set, struct count_node **ret,
                     bool *ret_is_new)
{
    struct count_node *node = calloc(1, sizeof(*node) + set_bytes(m));
    if (!node)
        return -ENOMEM;
    node->level = level;
    node->set_bytes = set_bytes(m);
    memcpy(node->set, set, node->set_bytes);
    struct count_node **found = tsearch(node, &m->nodes, compare_nodes);
    *ret_is_new = found && *found == node;
    if (!*ret_is_new)
        free(node);
    if (!found)
        return -ENOMEM;
    *ret = *found;
    return 0;
}

// The graph below a level, where the rules of `set` may still match. Recursion ends with the axes.
static int build(struct matrix *m, size_t level, const uint64_t *set, struct count_node **ret)
{
    uint64_t next[SET_WORDS_MAX];
    struct count_node *node = NULL;
    bool is_new;
    int r = find_node(m, level, set, &node, &is_new);
    *ret = node;
    if (r < 0 || !is_new)
        return r;
    if (level == m->n_groups) {
        node->count = 1;
        return 0;
    }
    const struct axis *axis = axis_of(m, level);
    m->n_edges += axis->n_named;
    if (++m->n_nodes > MATRIX_EDGES_MAX || m->n_edges > MATRIX_EDGES_MAX)
        return -E2BIG;
    node->children = calloc(axis->n_named + 1, sizeof(struct count_node *));
    if (!node->children)
        return -ENOMEM;
    for (size_t id = 0; id <= axis->n_named; id++) {
        const uint64_t *possible = axis->possible + id * m->set_words;
        uint64_t matches = 0;
        for (size_t i = 0; i < m->set_words; i++) {
            next[i] = set[i] & possible[i];
            matches |= next[i] & axis->decided[i];
        }
        r = matches ? 0 : build(m, level + 1, next, &node->children[id]);
        if (r < 0)
            return r;
    }
    node->count =
        (m->groups[level].count - axis->n_specials) * count_of(node->children[axis->n_named]);
    for (size_t i = 0; i < axis->n_specials; i++)
        node->count += count_of(node->children[axis->specials[i].id]);
    return 0;
}

// Whether some combination below the node has the wanted values. `wanted`: for each axis the number
// of a named value, n_named for one that no rule names, or ANY_VALUE. `search` is the number of
// the search, from 1: nodes remember where it found nothing.
#define ANY_VALUE SIZE_MAX
static bool exists(const struct matrix *m, struct count_node *node, const size_t *wanted,
                   size_t search)
{
    if (!node || node->searched == search || !node->count)
        return false;
    if (node->level == m->n_groups)
        return true;
    const struct axis *axis = axis_of(m, node->level);
    bool has_others = axis_count(axis) > axis->n_specials;
    size_t want = wanted[node->level];
    for (size_t id = 0; id <= axis->n_named; id++)
        if ((want == ANY_VALUE ? id < axis->n_named || has_others : id == want) &&
            exists(m, node->children[id], wanted, search))
            return true;
    node->searched = search;
    return false;
}

static bool extends(const struct matrix *m, const struct rule *rule, size_t search)
{
    size_t wanted[MATRIX_AXES_MAX];
    for (size_t i = 0; i < m->n_axes; i++) {
        const struct pair *pair = pair_on(m, rule, i);
        uint64_t position;
        wanted[i] = pair ? find_named(m, &m->axes[i], pair->value) : ANY_VALUE;
        if (pair && matrix_find_value(m, &m->axes[i], (const char *)m->bytes.data + pair->value.at,
                                      pair->value.len, &position) < 0)
            return false;
    }
    return exists(m, m->root, wanted, search);
}

static int count_excluded(struct matrix *m)
{
    uint64_t all[SET_WORDS_MAX] = {0};
    int r = 0;
    m->set_words = (m->n_excludes + SET_BITS - 1) / SET_BITS;
    for (size_t i = 0; i < m->n_axes && r == 0; i++) {
        r = name_values(m, &m->axes[i]);
        if (r == 0)
            r = find_specials(m, &m->axes[i]);
        if (r == 0)
            r = form_sets(m, &m->axes[i]);
    }
    for (size_t i = 0; i < m->n_excludes; i++)
        set_put(all, i);
    return r < 0 ? r : build(m, 0, all, &m->root);
}

static int count_all(struct matrix *m, struct err *err)
{
    int r = m->n_axes ? count_excluded(m) : 0;
    if (r == -E2BIG)
        return err_set(err, r, "too many rules of exclude overlap");
    if (r < 0)
        return err_sys(err, r, "matrix");
    m->base = count_of(m->root);
    for (size_t i = 0; i < m->n_includes; i++) {
        m->includes[i].extends = extends(m, &m->includes[i], i + 1);
        m->n_created += !m->includes[i].extends;
    }
    return 0;
}

static int form_groups(struct matrix *m, struct err *err)
{
    m->groups = calloc(m->n_axes, sizeof(*m->groups));
    if (!m->groups)
        return err_sys(err, -ENOMEM, "matrix");
    for (size_t i = 0; i < m->n_axes; i++) {
        const struct axis *axis = &m->axes[i];
        uint64_t count = axis_count(axis);
        if (count == 0)
            return err_set(err, -EINVAL, "axis %zu has no values", i + 1);
        if (!axis->linked)
            m->groups[m->n_groups++] = (struct axis_group){.first = i};
        struct axis_group *group = &m->groups[m->n_groups - 1];
        group->count = group->n && group->count < count ? group->count : count;
        group->n++;
    }
    uint64_t all = 1;
    for (size_t i = 0; i < m->n_groups; i++)
        if (__builtin_mul_overflow(all, m->groups[i].count, &all) || all > INT64_MAX)
            return err_set(err, -ERANGE, "more than 2^63 combinations");
    if (m->n_groups != m->n_axes && (m->n_excludes || m->n_includes))
        return err_set(err, -EINVAL, "exclude and include can't be used with linked axes");
    return 0;
}

int matrix_seal(struct matrix *m, struct err *err)
{
    // Without axes only include makes combinations.
    if (m->n_axes == 0 && m->n_includes == 0)
        return err_set(err, -EINVAL, "needs at least one axis");
    int r = m->n_axes ? form_groups(m, err) : 0;
    return r < 0 ? r : count_all(m, err);
}

void matrix_positions(const struct matrix *m, uint64_t index, uint64_t *ret)
{
    const struct count_node *node = m->root;
    for (size_t level = 0; level < m->n_groups; level++) {
        // Values that no rule names lie between the named ones, each with the same count.
        const struct axis *axis = axis_of(m, level);
        const struct count_node *child = node->children[axis->n_named];
        uint64_t at = 0;
        for (size_t i = 0;; i++) {
            bool last = i == axis->n_specials;
            uint64_t end = last ? m->groups[level].count : axis->specials[i].position;
            uint64_t each = count_of(child);
            if (each && index / each < end - at) {
                at += index / each;
                index %= each;
                break;
            }
            index -= each * (end - at);
            at = end;
            if (last)
                break; // not reached: the counts add up
            const struct count_node *special = node->children[axis->specials[i].id];
            if (index < count_of(special)) {
                child = special;
                break;
            }
            index -= count_of(special);
            at++;
        }
        ret[level] = at;
        node = child;
    }
}
