#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/pack.h"
#include "pipelines/input/matrix.h"
#include "pipelines/plan.h"

static void values(struct matrix *m, const char *text)
{
    for (const char *at = text; *at;) {
        size_t len = strcspn(at, " ");
        cr_assert_eq(matrix_add_value(m, at, len), 0);
        at += len + (at[len] == ' ');
    }
}

static void axis(struct matrix *m, const char *name, const char *text)
{
    cr_assert_eq(matrix_add_axis(m, name), 0);
    values(m, text);
}

static void link_axis(struct matrix *m, const char *name, const char *text)
{
    cr_assert_eq(matrix_link_axis(m, name), 0);
    values(m, text);
}

// "mesh=fine seed=1"
static void rule(struct matrix *m, int (*begin)(struct matrix *), const char *text)
{
    cr_assert_eq(begin(m), 0);
    for (const char *at = text; *at;) {
        size_t len = strcspn(at, " "), name_len = strcspn(at, "=");
        char name[32];
        snprintf(name, sizeof(name), "%.*s", (int)name_len, at);
        cr_assert_eq(matrix_add_pair(m, name, at + name_len + 1, len - name_len - 1), 0, "%s", at);
        at += len + (at[len] == ' ');
    }
}

static void seal(struct matrix *m)
{
    struct err err = {{0}};
    cr_assert_eq(matrix_seal(m, &err), 0, "%s", err.text);
}

// Every row as "field,field;field,field".
static char *all(const struct matrix *m)
{
    struct buf out;
    struct row row;
    buf_init(&out, 0);
    row_init(&row);
    for (uint64_t i = 0; i < matrix_count(m); i++) {
        cr_assert_eq(matrix_row(m, i, &row), 0);
        cr_assert_eq(row_count(&row), matrix_n_columns(m));
        for (size_t k = 0; k < row_count(&row); k++) {
            struct field f = row_field(&row, k);
            cr_assert_eq(buf_printf(&out, "%s%.*s", k ? "," : i ? ";" : "", (int)f.len, f.at), 0);
        }
    }
    cr_assert_eq(matrix_row(m, matrix_count(m), &row), -ERANGE);
    cr_assert_eq(buf_add(&out, "", 1), 0);
    row_done(&row);
    return (char *)out.data;
}

static void expect_all(struct matrix *m, const char *expected)
{
    char *got = all(m);
    cr_expect_str_eq(got, expected);
    free(got);
    // And the same after the wire.
    struct buf packed;
    struct pack_writer w;
    struct pack_reader r;
    buf_init(&packed, 0);
    pack_writer_init(&w, &packed);
    matrix_pack(m, &w);
    cr_assert_eq(w.error, 0);
    pack_reader_init(&r, packed.data, packed.len);
    struct matrix *back = matrix_unpack(&r);
    cr_assert_not_null(back);
    cr_assert(pack_at_end(&r));
    got = all(back);
    cr_expect_str_eq(got, expected);
    free(got);
    matrix_free(back);
    buf_done(&packed);
    matrix_free(m);
}

Test(matrix, the_last_axis_is_fastest)
{
    struct matrix *m = matrix_new();
    axis(m, "a", "x y");
    axis(m, NULL, "1 2 3");
    cr_assert_eq(matrix_add_axis(m, "r"), 0);
    cr_assert_eq(matrix_set_range(m, &(struct range){.start = 5, .step = -5, .count = 2}), 0);
    seal(m);
    cr_expect_eq(matrix_count(m), 12);
    cr_expect_str_eq(matrix_column_name(m, 0), "a");
    cr_expect_str_eq(matrix_column_name(m, 1), "");
    expect_all(m, "x,1,5;x,1,0;x,2,5;x,2,0;x,3,5;x,3,0;y,1,5;y,1,0;y,2,5;y,2,0;y,3,5;y,3,0");
}

Test(matrix, linked_axes_go_together_as_far_as_the_shortest)
{
    struct matrix *m = matrix_new();
    axis(m, NULL, "a b c");
    link_axis(m, NULL, "1 2");
    axis(m, NULL, "x y");
    seal(m);
    cr_expect_eq(matrix_count(m), 4);
    expect_all(m, "a,1,x;a,1,y;b,2,x;b,2,y");
    m = matrix_new();
    axis(m, NULL, "x y");
    axis(m, NULL, "a b");
    link_axis(m, NULL, "1 2 3");
    link_axis(m, NULL, "p q r");
    seal(m);
    expect_all(m, "x,a,1,p;x,b,2,q;y,a,1,p;y,b,2,q");
}

Test(matrix, values_are_bytes)
{
    struct matrix *m = matrix_new();
    cr_assert_eq(matrix_add_axis(m, NULL), 0);
    cr_assert_eq(matrix_add_value(m, "\xff\n' \"", 5), 0);
    cr_assert_eq(matrix_add_value(m, "", 0), 0);
    cr_assert_eq(matrix_add_value(m, "a\0b", 3), -EINVAL);
    seal(m);
    expect_all(m, "\xff\n' \";");
}

// The example of GitHub's documentation, and what it says comes out.
Test(matrix, include_is_as_in_actions)
{
    struct matrix *m = matrix_new();
    axis(m, "fruit", "apple pear");
    axis(m, "animal", "cat dog");
    rule(m, matrix_add_include, "color=green");
    rule(m, matrix_add_include, "color=pink animal=cat");
    rule(m, matrix_add_include, "fruit=apple shape=circle");
    rule(m, matrix_add_include, "fruit=banana");
    rule(m, matrix_add_include, "fruit=banana animal=cat");
    seal(m);
    cr_expect_eq(matrix_count(m), 6);
    struct buf text = {0};
    cr_assert_eq(matrix_text(m, 4, &text), 0);
    cr_expect(text.len == 6 && memcmp(text.data, "banana", 6) == 0,
              "no blanks for what is not there");
    buf_done(&text);
    expect_all(m, "apple,cat,pink,circle;apple,dog,green,circle;pear,cat,pink,;pear,dog,green,;"
                  "banana,,,;banana,cat,,");
}

Test(matrix, include_alone_and_of_what_is_excluded)
{
    struct matrix *m = matrix_new();
    rule(m, matrix_add_include, "a=1 b=2");
    rule(m, matrix_add_include, "b=3");
    seal(m);
    expect_all(m, "1,2;,3");
    m = matrix_new();
    axis(m, "a", "1 2");
    axis(m, "b", "x y");
    rule(m, matrix_add_exclude, "a=1 b=y");
    rule(m, matrix_add_include, "a=1 b=y");        // becomes a new one
    rule(m, matrix_add_include, "a=1 b=x");        // is there already
    rule(m, matrix_add_include, "a=2 extra=more"); // of two
    seal(m);
    expect_all(m, "1,x,;2,x,more;2,y,more;1,y,");
}

Test(matrix, a_billion_combinations_cost_nothing)
{
    struct matrix *m = matrix_new();
    for (int i = 0; i < 3; i++) {
        cr_assert_eq(matrix_add_axis(m, (const char *[]){"a", "b", "c"}[i]), 0);
        cr_assert_eq(matrix_set_range(m, &(struct range){.start = 0, .step = 1, .count = 1000000}),
                     0);
    }
    rule(m, matrix_add_exclude, "a=5");
    rule(m, matrix_add_exclude, "b=999999 c=0");
    rule(m, matrix_add_exclude, "a=6 c=7");
    rule(m, matrix_add_include, "a=5 b=5 c=5");
    seal(m);
    uint64_t each = 1000000ull * 1000000;
    uint64_t expected = 1000000 * each - each - 999999 - 1000000 + 1;
    cr_expect_eq(matrix_count(m), expected, "%llu", (unsigned long long)matrix_count(m));
    const struct {
        uint64_t index;
        const char *text;
    } cases[] = {
        {0, "0 0 0"},
        {each - 2, "0 999999 999999"},
        {5 * (each - 1), "6 0 0"},
        {5 * (each - 1) + 7, "6 0 8"},
        {expected - 2, "999999 999999 999999"},
        {expected - 1, "5 5 5"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct buf text = {0};
        cr_assert_eq(matrix_text(m, cases[i].index, &text), 0);
        cr_assert_eq(buf_add(&text, "", 1), 0);
        cr_expect_str_eq((char *)text.data, cases[i].text);
        buf_done(&text);
    }
    matrix_free(m);
}

#define AXES_MAX 5
#define RULES_MAX 8
static const char *const axis_names[AXES_MAX] = {"a", "b", "c", "d", "e"};

// A matrix as loops see it. Values are digits; several positions of an axis may have the same.
struct plain_matrix {
    size_t n_axes, counts[AXES_MAX], total;
    char values[AXES_MAX][6];
    char rules[RULES_MAX][AXES_MAX]; // a value, or '\0': any
    size_t n_rules, n_excludes;      // the others are of include, each with a field of its own
};

static void add_axes(struct plain_matrix *p, struct matrix *m, unsigned *seed)
{
    p->n_axes = 1 + (size_t)rand_r(seed) % AXES_MAX;
    p->total = 1;
    for (size_t i = 0; i < p->n_axes; i++) {
        size_t n = p->counts[i] = 1 + (size_t)rand_r(seed) % 5;
        bool is_range = rand_r(seed) % 2;
        p->total *= n;
        cr_assert_eq(matrix_add_axis(m, axis_names[i]), 0);
        for (size_t k = 0; k < n; k++)
            p->values[i][k] = (char)('0' + (is_range ? k : (size_t)rand_r(seed) % n));
        if (is_range)
            cr_assert_eq(matrix_set_range(m, &(struct range){.step = 1, .count = n}), 0);
        for (size_t k = 0; k < n && !is_range; k++)
            cr_assert_eq(matrix_add_value(m, &p->values[i][k], 1), 0);
    }
}

static void add_rules(struct plain_matrix *p, struct matrix *m, unsigned *seed)
{
    p->n_excludes = (size_t)rand_r(seed) % RULES_MAX;
    p->n_rules = p->n_excludes + (size_t)rand_r(seed) % (RULES_MAX - p->n_excludes);
    for (size_t i = 0; i < p->n_rules; i++) {
        bool is_include = i >= p->n_excludes;
        cr_assert_eq(is_include ? matrix_add_include(m) : matrix_add_exclude(m), 0);
        for (size_t k = 0; k < p->n_axes; k++) {
            size_t at = (size_t)rand_r(seed) % p->counts[k];
            if (rand_r(seed) % 2)
                continue;
            // Only include may name a value that the axis does not have.
            p->rules[i][k] = is_include && rand_r(seed) % 8 == 0 ? 'x' : p->values[k][at];
            cr_assert_eq(matrix_add_pair(m, axis_names[k], &p->rules[i][k], 1), 0);
        }
        if (is_include)
            cr_assert_eq(matrix_add_pair(m, (char[]){'f', (char)('0' + i), '\0'}, "new", 3), 0);
    }
}

static bool rule_fits(const struct plain_matrix *p, size_t rule, const char *values)
{
    for (size_t k = 0; k < p->n_axes; k++)
        if (p->rules[rule][k] && p->rules[rule][k] != values[k])
            return false;
    return true;
}

// Against loops that look at each combination.
Test(matrix, random_rules_leave_what_loops_leave)
{
    unsigned seed = 7;
    for (int round = 0; round < 3000; round++) {
        struct plain_matrix p = {0};
        struct matrix *m = matrix_new();
        bool extends[RULES_MAX] = {false};
        struct row row;
        uint64_t index = 0;
        add_axes(&p, m, &seed);
        add_rules(&p, m, &seed);
        seal(m);
        row_init(&row);
        for (size_t combination = 0; combination < p.total; combination++) {
            size_t left = combination;
            char values[AXES_MAX];
            bool out = false;
            for (size_t k = p.n_axes; k-- > 0; left /= p.counts[k])
                values[k] = p.values[k][left % p.counts[k]];
            for (size_t i = 0; i < p.n_excludes; i++)
                out |= rule_fits(&p, i, values);
            if (out)
                continue;
            cr_assert_eq(matrix_row(m, index++, &row), 0, "round %d", round);
            for (size_t k = 0; k < p.n_axes; k++)
                cr_assert_eq(row_field(&row, k).at[0], values[k], "round %d", round);
            for (size_t i = p.n_excludes; i < p.n_rules; i++) {
                bool fits = rule_fits(&p, i, values);
                size_t column = p.n_axes + i - p.n_excludes;
                extends[i] |= fits;
                cr_assert_eq(row_field(&row, column).len, fits ? 3 : 0, "round %d", round);
            }
        }
        for (size_t i = p.n_excludes; i < p.n_rules; i++)
            index += !extends[i];
        cr_assert_eq(matrix_count(m), index, "round %d", round);
        row_done(&row);
        matrix_free(m);
    }
}

Test(matrix, wrong_uses_are_refused)
{
    struct err err = {{0}};
    struct matrix *m = matrix_new();
    cr_expect_eq(matrix_add_value(m, "x", 1), -EINVAL);
    cr_expect_eq(matrix_link_axis(m, NULL), -EINVAL);
    cr_expect_eq(matrix_add_pair(m, "a", "x", 1), -EINVAL);
    cr_expect_eq(matrix_seal(m, &err), -EINVAL);
    cr_expect_str_eq(err.text, "needs at least one axis");
    axis(m, "a", "x y");
    cr_expect_eq(matrix_add_axis(m, "a"), -EEXIST);
    cr_expect_eq(matrix_set_range(m, &(struct range){0, 1, 2}), -EINVAL);
    cr_assert_eq(matrix_add_exclude(m), 0);
    cr_expect_eq(matrix_add_pair(m, "b", "x", 1), -ENOENT);
    cr_expect_eq(matrix_add_pair(m, "a", "z", 1), -ERANGE);
    cr_expect_eq(matrix_add_pair(m, "a", "x", 1), 0);
    cr_expect_eq(matrix_add_pair(m, "a", "y", 1), -EEXIST);
    link_axis(m, "b", "1");
    cr_expect_eq(matrix_seal(m, &err), -EINVAL);
    cr_expect_str_eq(err.text, "exclude and include can't be used with linked axes");
    matrix_free(m);
    m = matrix_new();
    axis(m, "a", "");
    cr_expect_eq(matrix_seal(m, &err), -EINVAL);
    cr_expect_str_eq(err.text, "axis 1 has no values");
    matrix_free(m);
}

Test(matrix, limits)
{
    struct matrix *m = matrix_new();
    for (unsigned i = 0; i < MATRIX_AXES_MAX; i++)
        axis(m, NULL, "x");
    cr_expect_eq(matrix_add_axis(m, NULL), -E2BIG);
    char *large = calloc(1, MATRIX_BYTES_MAX);
    memset(large, 'x', MATRIX_BYTES_MAX);
    cr_expect_eq(matrix_add_value(m, large, MATRIX_BYTES_MAX), -E2BIG);
    free(large);
    matrix_free(m);
    m = matrix_new();
    axis(m, "a", "x");
    for (unsigned i = 0; i < MATRIX_RULES_MAX; i++)
        cr_assert_eq(matrix_add_exclude(m), 0);
    cr_expect_eq(matrix_add_exclude(m), -E2BIG);
    matrix_free(m);
    // Rules that overlap in each of many ways end with words, not with the memory.
    struct err err = {{0}};
    m = matrix_new();
    char name[8], value[8];
    for (unsigned i = 0; i < 60; i++) {
        snprintf(name, sizeof(name), "a%u", i);
        cr_assert_eq(matrix_add_axis(m, name), 0);
        cr_assert_eq(matrix_set_range(m, &(struct range){0, 1, 2}), 0);
    }
    for (unsigned i = 0; i < 30; i++) {
        cr_assert_eq(matrix_add_exclude(m), 0);
        for (unsigned k = 0; k < 2; k++) {
            snprintf(name, sizeof(name), "a%u", i + 30 * k);
            snprintf(value, sizeof(value), "%u", k);
            cr_assert_eq(matrix_add_pair(m, name, value, 1), 0);
        }
    }
    cr_expect_eq(matrix_seal(m, &err), -E2BIG);
    cr_expect_str_eq(err.text, "too many rules of exclude overlap");
    matrix_free(m);
}

Test(matrix, every_changed_byte_is_survived)
{
    struct matrix *m = matrix_new();
    axis(m, "a", "x y");
    axis(m, "b", "1 2");
    cr_assert_eq(matrix_add_axis(m, "c"), 0);
    cr_assert_eq(matrix_set_range(m, &(struct range){0, 1, 1000}), 0);
    rule(m, matrix_add_exclude, "a=x c=5");
    rule(m, matrix_add_include, "a=y d=more");
    seal(m);
    struct buf packed;
    struct pack_writer w;
    struct pack_reader r;
    struct row row;
    buf_init(&packed, 0);
    row_init(&row);
    pack_writer_init(&w, &packed);
    matrix_pack(m, &w);
    for (size_t i = 0; i < packed.len; i++) {
        uint8_t was = packed.data[i];
        for (unsigned value = 0; value < 256; value += 3) {
            packed.data[i] = (uint8_t)value;
            pack_reader_init(&r, packed.data, packed.len);
            struct matrix *back = matrix_unpack(&r);
            if (back && matrix_count(back)) {
                cr_assert_eq(matrix_row(back, 0, &row), 0);
                cr_assert_eq(matrix_row(back, matrix_count(back) - 1, &row), 0);
            }
            matrix_free(back);
        }
        packed.data[i] = was;
        pack_reader_init(&r, packed.data, i);
        cr_assert_null(matrix_unpack(&r));
    }
    row_done(&row);
    buf_done(&packed);
    matrix_free(m);
}
