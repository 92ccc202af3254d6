// Counting what exclude leaves, without looking at each combination: a graph whose nodes are an
// axis and the rules that may still match. Values that no rule names share a branch, so its size
// depends on the rules and not on how long the axes are.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "pipelines/input/matrix_parts.h"

#define SET_BITS 64u
#define NO_ID SIZE_MAX

int matrix_compare(const struct matrix *m, struct span a, struct span b)
{
    size_t len = a.len < b.len ? a.len : b.len;
    int r = len ? memcmp(m->bytes.data + a.at, m->bytes.data + b.at, len) : 0;
    return r ? r : (a.len > b.len) - (a.len < b.len);
}

struct counting {
    struct matrix *m;
    size_t set_words;
    size_t *last_axis; // of each rule of exclude; SIZE_MAX: it has no pair
    size_t *ids;       // of each rule, for each axis: which named value; NO_ID: any
    uint32_t *table;   // nodes by hash
    size_t table_size; // a power of two
};

static void counting_done(struct counting *c)
{
    free(c->last_axis);
    free(c->ids);
    free(c->table);
}

// Where the value is among those named on the axis, or where it would have to be.
static size_t find_named(const struct matrix *m, size_t axis, struct span value, bool *ret_found)
{
    const struct span *list = (const struct span *)(const void *)m->named[axis].data;
    size_t low = 0, high = list ? m->n_ids[axis] : 0;
    *ret_found = false;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int r = matrix_compare(m, value, list[middle]);
        if (r == 0) {
            *ret_found = true;
            return middle;
        }
        if (r < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

static int name_values(struct matrix *m)
{
    for (size_t i = 0; i < m->n_excludes; i++)
        for (size_t k = 0; k < m->excludes[i].n; k++) {
            const struct pair *pair = matrix_pair(m, m->excludes[i].first + k);
            struct buf *named = &m->named[pair->column];
            bool found;
            size_t at = find_named(m, pair->column, pair->value, &found);
            if (found)
                continue;
            int r = buf_add(named, &pair->value, sizeof(pair->value));
            if (r < 0)
                return r;
            struct span *list = (struct span *)(void *)named->data;
            memmove(&list[at + 1], &list[at], (m->n_ids[pair->column] - at) * sizeof(*list));
            list[at] = pair->value;
            m->n_ids[pair->column]++;
        }
    return 0;
}

static int by_position(const void *a, const void *b)
{
    const struct special *x = a, *y = b;
    return (x->position > y->position) - (x->position < y->position);
}

static int find_specials(struct matrix *m, size_t axis)
{
    const struct axis *a = &m->axes[axis];
    const struct span *list = (const struct span *)(const void *)m->named[axis].data;
    size_t most = a->is_range ? m->n_ids[axis] : a->n;
    if (!m->n_ids[axis])
        return 0;
    struct special *specials = calloc(most, sizeof(*specials));
    if (!specials)
        return -ENOMEM;
    m->specials[axis] = specials;
    size_t n = 0;
    for (size_t i = 0; i < most; i++) {
        bool found = true;
        struct special s = {.position = i, .id = i};
        if (a->is_range) // matrix_add_pair made sure that it is there
            found = matrix_find_value(m, a, (const char *)m->bytes.data + list[i].at, list[i].len,
                                      &s.position) == 0;
        else
            s.id = find_named(m, axis, *matrix_span(m, a->first + i), &found);
        if (found)
            specials[n++] = s;
    }
    qsort(specials, n, sizeof(*specials), by_position);
    m->n_specials[axis] = n;
    return 0;
}

static int prepare(struct counting *c)
{
    struct matrix *m = c->m;
    m->specials = calloc(m->n_axes, sizeof(*m->specials));
    m->n_specials = calloc(m->n_axes, sizeof(*m->n_specials));
    m->n_ids = calloc(m->n_axes, sizeof(*m->n_ids));
    m->named = calloc(m->n_axes, sizeof(*m->named));
    c->last_axis = calloc(m->n_excludes, sizeof(*c->last_axis));
    c->ids = calloc(m->n_excludes * m->n_axes, sizeof(*c->ids));
    if (!m->specials || !m->n_specials || !m->n_ids || !m->named || !c->last_axis || !c->ids)
        return -ENOMEM;
    int r = name_values(m);
    for (size_t i = 0; i < m->n_axes && r == 0; i++)
        r = find_specials(m, i);
    for (size_t i = 0; i < m->n_excludes && r == 0; i++) {
        size_t *ids = &c->ids[i * m->n_axes];
        for (size_t k = 0; k < m->n_axes; k++)
            ids[k] = NO_ID;
        c->last_axis[i] = SIZE_MAX;
        for (size_t k = 0; k < m->excludes[i].n; k++) {
            const struct pair *pair = matrix_pair(m, m->excludes[i].first + k);
            bool found;
            ids[pair->column] = find_named(m, pair->column, pair->value, &found);
            if (c->last_axis[i] == SIZE_MAX || pair->column > c->last_axis[i])
                c->last_axis[i] = pair->column;
        }
    }
    c->set_words = (m->n_excludes + SET_BITS - 1) / SET_BITS;
    return r;
}

static bool in_set(const uint64_t *set, size_t rule)
{
    return set[rule / SET_BITS] >> rule % SET_BITS & 1;
}

static size_t slot_of(const struct counting *c, size_t level, const uint64_t *set)
{
    uint64_t hash = level + 1;
    for (size_t i = 0; i < c->set_words; i++) {
        hash = (hash ^ set[i]) * UINT64_C(0xff51afd7ed558ccd); // of MurmurHash3: every bit counts
        hash ^= hash >> 32;
    }
    return (size_t)(hash * UINT64_C(0xc4ceb9fe1a85ec53) >> 32) & (c->table_size - 1);
}

static uint32_t *find_node(const struct counting *c, size_t level, const uint64_t *set)
{
    const struct matrix *m = c->m;
    for (size_t at = slot_of(c, level, set);; at = (at + 1) & (c->table_size - 1)) {
        uint32_t node = c->table[at];
        if (!node || (m->nodes[node].level == level &&
                      memcmp(m->nodes[node].set, set, c->set_words * sizeof(*set)) == 0))
            return &c->table[at];
    }
}

static int grow_table(struct counting *c)
{
    uint32_t *before = c->table;
    c->table_size = c->table_size ? c->table_size * 2 : 256;
    c->table = calloc(c->table_size, sizeof(*c->table));
    free(before);
    if (!c->table)
        return -ENOMEM;
    for (uint32_t i = NODE_FREE + 1; i < c->m->n_nodes; i++)
        *find_node(c, c->m->nodes[i].level, c->m->nodes[i].set) = i;
    return 0;
}

static int add_node(struct counting *c, size_t level, const uint64_t *set, uint32_t *ret)
{
    struct matrix *m = c->m;
    if (m->children.len / sizeof(uint32_t) + m->n_ids[level] > MATRIX_EDGES_MAX ||
        m->n_nodes >= MATRIX_EDGES_MAX)
        return -E2BIG;
    if (m->n_nodes * 2 >= c->table_size) {
        int r = grow_table(c);
        if (r < 0)
            return r;
    }
    if ((m->n_nodes & (m->n_nodes - 1)) == 0) { // room is doubled
        struct node_of_count *grown = reallocarray(m->nodes, m->n_nodes * 2, sizeof(*grown));
        if (!grown)
            return -ENOMEM;
        m->nodes = grown;
    }
    size_t bytes = m->n_ids[level] * sizeof(uint32_t);
    struct node_of_count node = {.level = level, .children = m->children.len / sizeof(uint32_t)};
    int r = buf_reserve(&m->children, bytes);
    if (r < 0 || !(node.set = malloc(c->set_words * sizeof(*set))))
        return -ENOMEM;
    if (bytes)
        memset(m->children.data + m->children.len, 0, bytes);
    m->children.len += bytes;
    memcpy(node.set, set, c->set_words * sizeof(*set));
    *ret = (uint32_t)m->n_nodes;
    m->nodes[m->n_nodes++] = node;
    *find_node(c, level, set) = *ret;
    return 0;
}

static uint64_t count_of(const struct matrix *m, uint32_t node, size_t level)
{
    return node == NODE_FREE ? m->below[level] : m->nodes[node].count;
}

// The rules that may still match behind a value of the axis; NO_ID: one that no rule names. False
// when one of them matches for sure.
static bool step_set(const struct counting *c, const uint64_t *set, size_t level, size_t id,
                     uint64_t *ret)
{
    memset(ret, 0, c->set_words * sizeof(*ret));
    for (size_t i = 0; i < c->m->n_excludes; i++) {
        size_t wanted = c->ids[i * c->m->n_axes + level];
        if (!in_set(set, i) || (wanted != NO_ID && wanted != id))
            continue;
        if (c->last_axis[i] <= level)
            return false;
        ret[i / SET_BITS] |= UINT64_C(1) << i % SET_BITS;
    }
    return true;
}

static int build(struct counting *c, size_t level, const uint64_t *set, uint32_t *ret);

static int build_child(struct counting *c, uint32_t node, size_t level, size_t id, uint32_t *ret)
{
    uint64_t set[MATRIX_RULES_MAX / SET_BITS];
    if (!step_set(c, c->m->nodes[node].set, level, id, set)) {
        *ret = NODE_NONE;
        return 0;
    }
    return build(c, level + 1, set, ret);
}

// Recursion ends with the axes.
static int build(struct counting *c, size_t level, const uint64_t *set, uint32_t *ret)
{
    struct matrix *m = c->m;
    bool empty = true;
    for (size_t i = 0; i < c->set_words; i++)
        empty &= set[i] == 0;
    if (empty) {
        *ret = NODE_FREE;
        return 0;
    }
    uint32_t node = *find_node(c, level, set), child;
    if (node) {
        *ret = node;
        return 0;
    }
    int r = add_node(c, level, set, &node);
    if (r == 0)
        r = build_child(c, node, level, NO_ID, &child);
    if (r < 0)
        return r;
    m->nodes[node].fallback = child;
    uint64_t count =
        (axis_count(&m->axes[level]) - m->n_specials[level]) * count_of(m, child, level + 1);
    for (size_t id = 0; id < m->n_ids[level]; id++) {
        r = build_child(c, node, level, id, &child);
        if (r < 0)
            return r;
        ((uint32_t *)(void *)m->children.data)[m->nodes[node].children + id] = child;
    }
    for (size_t i = 0; i < m->n_specials[level]; i++) {
        child = ((uint32_t *)(void *)
                     m->children.data)[m->nodes[node].children + m->specials[level][i].id];
        count += count_of(m, child, level + 1);
    }
    m->nodes[node].count = count;
    *ret = node;
    return 0;
}

static int count_excluded(struct matrix *m)
{
    struct counting c = {.m = m};
    uint64_t all[MATRIX_RULES_MAX / SET_BITS] = {0};
    bool everything = false;
    m->nodes = calloc(2, sizeof(*m->nodes)); // NODE_NONE and NODE_FREE
    m->n_nodes = m->nodes ? 2 : 0;
    int r = m->nodes ? prepare(&c) : -ENOMEM;
    for (size_t i = 0; i < m->n_excludes && r == 0; i++) {
        everything |= c.last_axis[i] == SIZE_MAX;
        all[i / SET_BITS] |= UINT64_C(1) << i % SET_BITS;
    }
    if (r == 0)
        r = grow_table(&c);
    if (r == 0 && !everything)
        r = build(&c, 0, all, &m->root);
    counting_done(&c);
    for (size_t i = 0; i < m->n_nodes; i++) {
        free(m->nodes[i].set);
        m->nodes[i].set = NULL;
    }
    return r;
}

static uint32_t child_of(const struct matrix *m, uint32_t node, size_t id)
{
    const uint32_t *children = (const uint32_t *)(const void *)m->children.data;
    return id == NO_ID ? m->nodes[node].fallback : children[m->nodes[node].children + id];
}

// Whether some combination below the node has the values that `wanted` names for axes. `tried`
// tells of nodes where there was none.
static bool exists(const struct matrix *m, uint32_t node, const struct span *const *wanted,
                   uint8_t *tried)
{
    if (node <= NODE_FREE)
        return node == NODE_FREE;
    if (tried[node] || !m->nodes[node].count)
        return false;
    size_t level = m->nodes[node].level;
    bool found;
    if (wanted[level]) {
        size_t id = find_named(m, level, *wanted[level], &found);
        found = exists(m, child_of(m, node, found ? id : NO_ID), wanted, tried);
    } else {
        found = axis_count(&m->axes[level]) > m->n_specials[level] &&
                exists(m, m->nodes[node].fallback, wanted, tried);
        for (size_t id = 0; id < m->n_ids[level] && !found; id++)
            found = exists(m, child_of(m, node, id), wanted, tried);
    }
    tried[node] = !found;
    return found;
}

static bool extends(const struct matrix *m, const struct rule *rule, uint8_t *tried)
{
    const struct span *wanted[MATRIX_AXES_MAX] = {NULL};
    for (size_t i = 0; i < rule->n; i++) {
        const struct pair *pair = matrix_pair(m, rule->first + i);
        uint64_t position;
        if (pair->column >= m->n_axes)
            continue;
        wanted[pair->column] = &pair->value;
        if (matrix_find_value(m, &m->axes[pair->column],
                              (const char *)m->bytes.data + pair->value.at, pair->value.len,
                              &position) < 0)
            return false;
    }
    if (!m->n_excludes)
        return true;
    memset(tried, 0, m->n_nodes);
    return exists(m, m->root, wanted, tried);
}

int matrix_count_all(struct matrix *m, struct err *err)
{
    m->base = m->n_axes ? m->below[0] : 0;
    if (m->n_axes && m->n_excludes) {
        int r = count_excluded(m);
        if (r == -E2BIG)
            return err_set(err, r, "exclude has too many rules that overlap");
        if (r < 0)
            return err_sys(err, r, "matrix");
        m->base = count_of(m, m->root, 0);
    }
    uint8_t *tried = calloc(m->n_nodes + 1, 1);
    if (!tried)
        return err_sys(err, -ENOMEM, "matrix");
    for (size_t i = 0; i < m->n_includes; i++) {
        m->includes[i].extends = m->base && extends(m, &m->includes[i], tried);
        m->n_created += !m->includes[i].extends;
    }
    free(tried);
    return 0;
}

void matrix_positions(const struct matrix *m, uint64_t index, uint64_t *ret)
{
    uint32_t node = m->n_excludes ? m->root : NODE_FREE;
    for (size_t level = 0; level < m->n_groups; level++) {
        uint64_t each;
        if (node == NODE_FREE) {
            ret[level] = index / m->below[level + 1];
            index %= m->below[level + 1];
            continue;
        }
        // Values that no rule names lie between the others, in runs with the same count each.
        uint64_t at = 0;
        uint32_t child = m->nodes[node].fallback;
        for (size_t i = 0;; i++) {
            bool last = i == m->n_specials[level];
            uint64_t end = last ? axis_count(&m->axes[level]) : m->specials[level][i].position;
            each = count_of(m, child, level + 1);
            if (each && index / each < end - at) {
                at += index / each;
                index %= each;
                break;
            }
            index -= each * (end - at);
            at = end;
            if (last)
                break; // not reached: the counts add up
            uint32_t special = child_of(m, node, m->specials[level][i].id);
            each = count_of(m, special, level + 1);
            if (index < each) {
                child = special;
                break;
            }
            index -= each;
            at++;
        }
        ret[level] = at;
        node = child;
    }
}
