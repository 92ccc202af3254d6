#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/pack.h"
#include "pipelines/plan.h"

static char **words(const char *const *from, size_t n)
{
    char **list = calloc(n + 1, sizeof(*list));
    for (size_t i = 0; i < n; i++)
        list[i] = strdup(from[i]);
    return list;
}

static struct plan_pair *pair(const char *name, const char *value)
{
    struct plan_pair *p = calloc(1, sizeof(*p));
    p->name = strdup(name);
    p->value = strdup(value);
    return p;
}

// Two steps; the second has a script and a kernel.
static struct plan *sample(void)
{
    struct plan *plan = calloc(1, sizeof(*plan));
    plan->name = strdup("sample");
    plan->directory = strdup("/somewhere");
    plan->params = pair("seed", "42");
    plan->n_params = 1;
    plan->env = pair("LANG", "C");
    plan->n_env = 1;
    plan->source.kind = SOURCE_RANGE;
    plan->source.range = (struct range){.start = -5, .step = 3, .count = 1000000000};
    plan->steps = calloc(2, sizeof(*plan->steps));
    plan->n_steps = 2;
    struct step *step = &plan->steps[0];
    *step = (struct step){.chunking = {CHUNK_ITEMS, 1}, .retry = {0, 0, 1, 0}, .cpus = 1};
    step->stages = calloc(1, sizeof(*step->stages));
    step->n_stages = 1;
    step->stages[0].words = words((const char *[]){"echo", "{}"}, 2);
    step->stages[0].n_words = 2;
    step = &plan->steps[1];
    *step = (struct step){.chunking = {CHUNK_AUTO, 0},
                          .is_reduce = true,
                          .fan_in = 16,
                          .retry = {3, 1000, 2, 60000},
                          .cpus = 0.5,
                          .memory_bytes = 1 << 20};
    step->stages = calloc(2, sizeof(*step->stages));
    step->n_stages = 2;
    step->stages[0].kind = STAGE_PIPE;
    step->stages[0].name = strdup("sort");
    step->stages[0].is_script = true;
    step->stages[0].words = words((const char *[]){"sort | uniq"}, 1);
    step->stages[0].n_words = 1;
    step->stages[0].shell = words((const char *[]){"/bin/sh", "-c"}, 2);
    step->stages[0].workdir = strdup("out");
    step->stages[0].env = pair("LC_ALL", "C");
    step->stages[0].n_env = 1;
    step->stages[0].timeout_ns = 5;
    step->stages[0].leftovers = LEFTOVERS_KEEP;
    step->stages[0].leftovers_wait_ns = 7;
    step->stages[1].kind = STAGE_KERNEL;
    step->stages[1].library = strdup("/lib/libpi.so");
    step->stages[1].function = strdup("count");
    step->stages[1].args = pair("samples", "10");
    step->stages[1].n_args = 1;
    return plan;
}

Test(plan, free_takes_nothing_and_half_built)
{
    cr_assert_null(plan_free(NULL));
    struct plan *plan = calloc(1, sizeof(*plan));
    plan->n_steps = 3; // no array yet
    cr_assert_null(plan_free(plan));
}

Test(plan, a_step_comes_back)
{
    struct plan *plan = sample(), *back = NULL;
    struct buf packed;
    buf_init(&packed, 0);
    struct err err = {0};
    cr_assert_eq(plan_pack_step(plan, 2, NULL, &packed), -EINVAL);
    cr_assert_eq(plan_pack_step(plan, 1, NULL, &packed), 0);
    cr_assert_eq(plan_unpack_step(packed.data, packed.len, &back, &err), 0, "%s", err.text);
    cr_assert_str_eq(back->name, "sample");
    cr_assert_str_eq(back->directory, "/somewhere");
    cr_assert_eq(back->n_params, 1);
    cr_assert_str_eq(back->params[0].value, "42");
    cr_assert_eq(back->n_env, 1);
    cr_assert_str_eq(back->env[0].name, "LANG");
    cr_assert_eq(back->source.kind, SOURCE_PUSH, "the source does not feed this step");
    cr_assert_eq(back->n_steps, 1);
    const struct step *step = &back->steps[0];
    cr_assert(step->is_reduce);
    cr_assert_eq(step->fan_in, 16);
    cr_assert_eq(step->retry.limit, 3);
    cr_assert_eq(step->retry.delay_ns, 1000);
    cr_assert(step->retry.backoff == 2);
    cr_assert_eq(step->retry.max_delay_ns, 60000);
    cr_assert(step->cpus == 0.5);
    cr_assert_eq(step->memory_bytes, 1 << 20);
    cr_assert_eq(step->n_stages, 2);
    const struct stage *stage = &step->stages[0];
    cr_assert_eq(stage->kind, STAGE_PIPE);
    cr_assert_str_eq(stage->name, "sort");
    cr_assert(stage->is_script);
    cr_assert_eq(stage->n_words, 1);
    cr_assert_str_eq(stage->words[0], "sort | uniq");
    cr_assert_null(stage->words[1]);
    cr_assert_str_eq(stage->shell[1], "-c");
    cr_assert_null(stage->shell[2]);
    cr_assert_str_eq(stage->workdir, "out");
    cr_assert_str_eq(stage->env[0].value, "C");
    cr_assert_eq(stage->timeout_ns, 5);
    cr_assert_eq(stage->leftovers, LEFTOVERS_KEEP);
    cr_assert_eq(stage->leftovers_wait_ns, 7);
    cr_assert_null(stage->library);
    stage++;
    cr_assert_eq(stage->kind, STAGE_KERNEL);
    cr_assert_str_eq(stage->library, "/lib/libpi.so");
    cr_assert_str_eq(stage->function, "count");
    cr_assert_str_eq(stage->args[0].name, "samples");
    cr_assert_null(stage->name);
    plan_free(back);
    plan_free(plan);
    buf_done(&packed);
}

Test(plan, every_truncation_is_refused)
{
    struct plan *plan = sample();
    struct err err;
    for (size_t step = 0; step < 2; step++) {
        struct buf packed;
        buf_init(&packed, 0);
        cr_assert_eq(plan_pack_step(plan, step, NULL, &packed), 0);
        for (size_t len = 0; len < packed.len; len++) {
            struct plan *back = NULL;
            cr_assert_eq(plan_unpack_step(packed.data, len, &back, &err), -EPROTO);
            cr_assert_null(back);
        }
        struct plan *back = NULL;
        cr_assert_eq(buf_add(&packed, "\xc0", 1), 0);
        cr_assert_eq(plan_unpack_step(packed.data, packed.len, &back, &err), -EPROTO);
        buf_done(&packed);
    }
    plan_free(plan);
}

// Whatever one wrong byte makes of a step, it is refused or it is a step that obeys the rules.
Test(plan, every_changed_byte_is_survived)
{
    struct plan *plan = sample();
    for (size_t step = 0; step < 2; step++) {
        struct buf packed;
        buf_init(&packed, 0);
        cr_assert_eq(plan_pack_step(plan, step, NULL, &packed), 0);
        for (size_t i = 0; i < packed.len; i++) {
            uint8_t was = packed.data[i];
            for (unsigned value = 0; value < 256; value += 5) {
                struct plan *back = NULL;
                struct err err;
                packed.data[i] = (uint8_t)value;
                if (plan_unpack_step(packed.data, packed.len, &back, &err) < 0)
                    continue;
                cr_assert_eq(back->n_steps, 1);
                cr_assert_geq(back->steps[0].n_stages, 1);
                cr_assert_neq(back->steps[0].fan_in, 1);
                cr_assert_neq(back->source.kind == SOURCE_RANGE && back->source.range.step == 0, 1);
                cr_assert_eq(back->directory[0], '/');
                plan_free(back);
            }
            packed.data[i] = was;
        }
        buf_done(&packed);
    }
    plan_free(plan);
}

Test(plan, what_breaks_the_rules_is_refused)
{
    struct err err;
    for (int i = 0; i < 9; i++) {
        struct plan *plan = sample(), *back = NULL;
        struct step *step = &plan->steps[1];
        switch (i) {
        case 0:
            step->fan_in = 1;
            break;
        case 1:
            plan->source.range.step = 0;
            break;
        case 2:
            plan->source.range.start = INT64_MAX;
            break;
        case 3:
            plan->directory[0] = 'x';
            break;
        case 4:
            plan->name[0] = 'X';
            break;
        case 5:
            step->stages[1].library[0] = 'l';
            break;
        case 6:
            step->retry.backoff = 1.0 / 0.0;
            break;
        case 7:
            step->stages[0].timeout_ns = -1;
            break;
        default:
            step->chunking.n = 7; // of CHUNK_AUTO
        }
        struct buf packed;
        buf_init(&packed, 0);
        // Only the first step's packed form has the source.
        cr_assert_eq(plan_pack_step(plan, i == 1 || i == 2 ? 0 : 1, NULL, &packed), 0);
        cr_assert_eq(plan_unpack_step(packed.data, packed.len, &back, &err), -EPROTO, "case %d", i);
        plan_free(plan);
        buf_done(&packed);
    }
}

Test(plan, a_step_over_the_limit_is_not_packed)
{
    struct plan *plan = sample();
    struct buf packed;
    buf_init(&packed, 0);
    cr_assert_eq(buf_add(&packed, "before", 6), 0);
    free(plan->env[0].value);
    plan->env[0].value = calloc(1, PLAN_PACKED_MAX + 1);
    memset(plan->env[0].value, 'x', PLAN_PACKED_MAX);
    cr_assert_eq(plan_pack_step(plan, 0, NULL, &packed), -ENOBUFS);
    cr_assert_eq(packed.len, 6);
    plan_free(plan);
    buf_done(&packed);
}

Test(plan, ranges_that_fit)
{
    struct {
        struct range range;
        bool ok;
    } cases[] = {
        {{1, 1, 10}, true},         {{1, 0, 10}, false},         {{INT64_MAX, 1, 1}, true},
        {{INT64_MAX, 1, 2}, false}, {{INT64_MIN, -1, 2}, false}, {{0, INT64_MAX, 2}, true},
        {{1, INT64_MAX, 2}, false}, {{0, 1, UINT64_MAX}, false}, {{5, 1, 0}, true},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        cr_assert_eq(range_ok(&cases[i].range), cases[i].ok, "case %zu", i);
}

Test(plan, the_whole_comes_back)
{
    struct plan *plan = sample(), *back = NULL;
    struct buf packed, again;
    struct err err = {0};
    buf_init(&packed, 0);
    buf_init(&again, 0);
    plan->sink = (struct sink){.kind = SINK_FILE,
                               .format = FORMAT_JSON,
                               .if_exists = EXISTS_APPEND,
                               .path = strdup("/out"),
                               .name = strdup("{}")};
    plan->order = ORDER_COMPLETION;
    plan->on_error = ON_ERROR_FINISH;
    plan->max_failures = 3;
    plan->max_failures_bp = 4;
    plan->crash_limit = 5;
    plan->parallelism = 6;
    plan->priority = -7;
    plan->steps[0].time_ns = 9;
    plan->source.separator = (struct separator_rule){.end = "\r\n",
                                                     .end_len = 2,
                                                     .start = ">",
                                                     .start_len = 1,
                                                     .header_lines = 3,
                                                     .drops_end = true};
    plan->source.delimiter = 8;
    cr_assert_eq(plan_pack(plan, &packed), 0);
    cr_assert_eq(plan_unpack(packed.data, packed.len, false, &back, &err), 0, "%s", err.text);
    cr_assert_eq(plan_pack(back, &again), 0);
    cr_assert_eq(packed.len, again.len);
    cr_assert_arr_eq(packed.data, again.data, again.len);
    cr_assert_eq(back->parallelism, 6);
    cr_assert_eq(back->priority, -7);
    cr_assert_eq(back->steps[0].time_ns, 9);
    cr_assert_eq(back->order, ORDER_COMPLETION);
    cr_assert_str_eq(back->sink.name, "{}");
    plan_free(back);
    for (size_t cut = 0; cut < packed.len; cut++) {
        uint8_t *exact = malloc(cut ? cut : 1);
        memcpy(exact, packed.data, cut);
        cr_expect_eq(plan_unpack(exact, cut, false, &back, &err), -EPROTO, "cut at %zu", cut);
        cr_expect_null(back);
        free(exact);
    }
    plan_free(plan);
    buf_done(&packed);
    buf_done(&again);
}
