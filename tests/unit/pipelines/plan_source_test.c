// The source's part of packed plans: tables, matrices and records come back, nonsense is refused.
#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "pipelines/input/matrix.h"
#include "pipelines/plan.h"
#include "pipelines/rows.h"

static char **texts(const char *const *from, size_t n)
{
    char **list = calloc(n + 1, sizeof(*list));
    for (size_t i = 0; i < n; i++)
        list[i] = strdup(from[i]);
    return list;
}

static struct plan *sample(enum source_kind kind)
{
    struct plan *plan = calloc(1, sizeof(*plan));
    plan->name = strdup("sample");
    plan->directory = strdup("/somewhere");
    plan->source.kind = kind;
    plan->source.separator = (struct separator_rule){.end = "\n", .end_len = 1};
    plan->steps = calloc(1, sizeof(*plan->steps));
    plan->n_steps = 1;
    plan->steps[0] = (struct step){.chunking = {CHUNK_ITEMS, 1}, .retry = {0, 0, 1, 0}, .cpus = 1};
    plan->steps[0].stages = calloc(1, sizeof(struct stage));
    plan->steps[0].n_stages = 1;
    plan->steps[0].stages[0].words = texts((const char *[]){"echo"}, 1);
    plan->steps[0].stages[0].n_words = 1;
    return plan;
}

static struct plan *csv(void)
{
    struct plan *plan = sample(SOURCE_CSV);
    plan->source.texts = texts((const char *[]){"a.csv", "-"}, 2);
    plan->source.n_texts = 2;
    plan->source.rows = (struct row_rule){.form = ROW_CSV, .delimiter = ';', .has_header = true};
    plan->source.rows.columns = texts((const char *[]){"id", "", "the name"}, 3);
    plan->source.rows.n_columns = 3;
    return plan;
}

static struct plan *matrix(void)
{
    struct plan *plan = sample(SOURCE_MATRIX);
    struct matrix *m = plan->source.matrix = matrix_new();
    cr_assert_eq(matrix_add_axis(m, "a"), 0);
    cr_assert_eq(matrix_add_value(m, "\xff'", 2), 0);
    cr_assert_eq(matrix_add_value(m, "b ", 2), 0);
    cr_assert_eq(matrix_link_axis(m, NULL), 0);
    cr_assert_eq(matrix_set_range(m, &(struct range){7, -1, 2}), 0);
    cr_assert_eq(matrix_seal(m, NULL), 0);
    return plan;
}

// Packs, unpacks, packs again: the same bytes. The caller frees the plan that came back.
static struct plan *there_and_back(struct plan *plan, bool whole)
{
    struct plan *back = NULL;
    struct buf packed, again;
    struct err err = {{0}};
    buf_init(&packed, 0);
    buf_init(&again, 0);
    cr_assert_eq(whole ? plan_pack(plan, &packed) : plan_pack_step(plan, 0, NULL, &packed), 0);
    cr_assert_eq(whole ? plan_unpack(packed.data, packed.len, false, &back, &err)
                       : plan_unpack_step(packed.data, packed.len, &back, &err),
                 0, "%s", err.text);
    cr_assert_eq(whole ? plan_pack(back, &again) : plan_pack_step(back, 0, NULL, &again), 0);
    cr_assert_eq(packed.len, again.len);
    cr_assert_arr_eq(packed.data, again.data, again.len);
    buf_done(&packed);
    buf_done(&again);
    plan_free(plan);
    return back;
}

Test(plan_source, tables_come_back)
{
    struct plan *back = there_and_back(csv(), true);
    cr_expect_eq(back->source.n_texts, 2);
    cr_expect_eq(back->source.rows.delimiter, ';');
    cr_expect(back->source.rows.has_header);
    plan_free(back);
    back = there_and_back(csv(), false);
    cr_expect_eq(back->source.n_texts, 0, "paths are no business of a worker");
    cr_expect_eq(rows_column(&back->source, "the name", 8), 2);
    cr_expect(rows_have_fields(&back->source));
    plan_free(back);
    struct plan *split = sample(SOURCE_ITEMS);
    split->source.rows = (struct row_rule){.form = ROW_SPLIT, .split_at = strdup("::")};
    back = there_and_back(split, false);
    cr_expect_str_eq(back->source.rows.split_at, "::");
    cr_expect(rows_have_fields(&back->source));
    plan_free(back);
}

Test(plan_source, matrices_come_back)
{
    for (int whole = 0; whole < 2; whole++) {
        struct plan *back = there_and_back(matrix(), whole);
        struct row row;
        row_init(&row);
        cr_assert_eq(matrix_count(back->source.matrix), 2);
        cr_assert_eq(row_of_item(&back->source, 1, NULL, 0, &row), 0);
        cr_expect(row_field(&row, 0).len == 2 && row_field(&row, 1).at[0] == '6');
        cr_expect_eq(row_of_item(&back->source, 2, NULL, 0, &row), -ERANGE);
        row_done(&row);
        plan_free(back);
    }
}

Test(plan_source, records_come_back)
{
    struct plan *plan = sample(SOURCE_DATA);
    plan->source.separator = (struct separator_rule){.end = "\0\r",
                                                     .end_len = 2,
                                                     .start = ">",
                                                     .start_len = 1,
                                                     .header_lines = SEPARATOR_HEADER_MAX,
                                                     .drops_end = true};
    struct plan *back = there_and_back(plan, false);
    cr_expect_eq(memcmp(back->source.separator.end, "\0\r", 2), 0);
    cr_expect_eq(back->source.separator.header_lines, SEPARATOR_HEADER_MAX);
    cr_expect(back->source.separator.drops_end);
    plan_free(back);
}

Test(plan_source, what_makes_no_sense_is_refused)
{
    for (int i = 0; i < 8; i++) {
        struct plan *plan = csv(), *back = NULL;
        struct row_rule *rows = &plan->source.rows;
        switch (i) {
        case 0:
            rows->delimiter = '"';
            break;
        case 1:
            rows->form = ROW_PLAIN;
            break;
        case 2:
            rows->form = ROW_SPLIT; // at what?
            break;
        case 3:
            rows->split_at = strdup(",");
            break;
        case 4:
            plan->source.kind = SOURCE_DATA;
            break;
        case 5:
            plan->source.kind = SOURCE_LINES;
            break;
        case 6:
            plan->source.separator.header_lines = SEPARATOR_HEADER_MAX + 1;
            break;
        default:
            plan->source.separator = (struct separator_rule){.drops_end = true};
        }
        struct buf packed;
        struct err err;
        buf_init(&packed, 0);
        cr_assert_eq(plan_pack(plan, &packed), 0);
        cr_expect_eq(plan_unpack(packed.data, packed.len, false, &back, &err), -EPROTO, "case %d",
                     i);
        cr_expect_null(back);
        buf_done(&packed);
        plan_free(plan);
    }
}

Test(plan_source, every_changed_byte_is_survived)
{
    struct plan *plans[] = {csv(), matrix()};
    for (size_t p = 0; p < 2; p++) {
        struct buf packed;
        struct row row;
        buf_init(&packed, 0);
        row_init(&row);
        cr_assert_eq(plan_pack(plans[p], &packed), 0);
        for (size_t i = 0; i < packed.len; i++) {
            uint8_t was = packed.data[i];
            for (unsigned value = 0; value < 256; value += 5) {
                struct plan *back = NULL;
                struct err err;
                packed.data[i] = (uint8_t)value;
                if (plan_unpack(packed.data, packed.len, false, &back, &err) == 0)
                    row_of_item(&back->source, 0, "a;\"b", 4, &row);
                plan_free(back);
            }
            packed.data[i] = was;
        }
        row_done(&row);
        buf_done(&packed);
        plan_free(plans[p]);
    }
}
