// Later steps and reduce trees: results become chunks.
#include "rig.h"

static uint64_t sum_of(const char *text)
{
    uint64_t sum = 0;
    for (char *end; *text; text = *end ? end + 1 : end)
        sum += strtoull(text, &end, 10);
    return sum;
}

Test(step, a_later_step_is_fed_before_the_first_has_ended)
{
    struct rig rig;
    rig_open(&rig, 100, NULL);
    rig.plan.n_steps = 2;
    rig.steps[1].chunking = (struct chunking){CHUNK_ITEMS, 2};
    rig_begin(&rig, 8, 8, 100);
    rig_answer(&rig, rig_find(&rig, 0, 0), OUTCOME_OK, 0);
    cr_expect_eq(rig_find(&rig, 1, 0), SIZE_MAX, "one result is half a chunk");
    rig_answer(&rig, rig_find(&rig, 0, 1), OUTCOME_OK, 0);
    cr_expect_neq(rig_find(&rig, 1, 0), SIZE_MAX);
    rig_run(&rig);
    cr_expect(rig.ended);
    cr_expect_eq(rig.n_records, 50);
    rig_close(&rig);
}

Test(step, a_later_step_takes_results_in_order)
{
    struct rig rig;
    rig_open(&rig, 4, NULL);
    rig.plan.n_steps = 2;
    rig.steps[1].chunking = (struct chunking){CHUNK_ITEMS, 2};
    rig_begin(&rig, 8, 8, 100);
    rig_answer(&rig, rig_find(&rig, 0, 3), OUTCOME_OK, 0);
    rig_answer(&rig, rig_find(&rig, 0, 2), OUTCOME_OK, 0);
    cr_expect_eq(rig_find(&rig, 1, 0), SIZE_MAX);
    rig_answer(&rig, rig_find(&rig, 0, 0), OUTCOME_OK, 0);
    rig_answer(&rig, rig_find(&rig, 0, 1), OUTCOME_OK, 0);
    cr_expect_neq(rig_find(&rig, 1, 0), SIZE_MAX);
    cr_expect_neq(rig_find(&rig, 1, 1), SIZE_MAX);
    rig_run(&rig);
    cr_expect(rig.ended);
    rig_close(&rig);
}

Test(step, an_edge_between_steps_is_bounded)
{
    struct rig rig;
    rig_open(&rig, 3000, &(struct core_options){.window_items = 32});
    rig.plan.n_steps = 2;
    rig_worker(&rig, 1, 8, 1000);
    rig_submit(&rig);
    // Nobody reads: the second step fills, then the first, then the source waits.
    rig_run(&rig);
    cr_expect_leq(rig.fed, 200, "fed %llu", (unsigned long long)rig.fed);
    rig_stream(&rig, UINT32_MAX);
    rig_run(&rig);
    cr_expect(rig.ended);
    cr_expect_eq(rig.n_records, 3000);
    rig_close(&rig);
}

// Runs a reduce over 0 .. n-1 that adds; returns how many runs it took.
static size_t reduce(uint64_t n, uint32_t fan_in, uint64_t *ret_sum)
{
    struct rig rig;
    size_t runs = 0, at;
    uint64_t parts = 0;
    rig_open(&rig, n, NULL);
    rig.plan.n_steps = 2;
    rig.steps[1].is_reduce = true;
    rig.steps[1].fan_in = fan_in;
    rig_worker(&rig, 1, 8, 64);
    rig_submit(&rig);
    if (!rig.ended)
        rig_stream(&rig, 100);
    while (!rig.ended && (at = rig_any(&rig)) != SIZE_MAX) {
        if (rig.leases[at].step == 1)
            runs++;
        else
            parts++;
        rig_answer_text(&rig, at, OUTCOME_OK, 0, "1\n");
    }
    cr_assert(rig.ended);
    cr_expect_eq(parts, n);
    cr_expect_eq(rig.n_records, n ? 1 : 0);
    *ret_sum = rig.n_records ? sum_of(rig_text(&rig, 0)) : 0;
    rig_close(&rig);
    return runs;
}

Test(step, a_tree_has_as_many_runs_as_its_fan_in_says)
{
    uint64_t sum;
    cr_expect_eq(reduce(1000, PLAN_FAN_IN_ALL, &sum), 1);
    cr_expect_eq(reduce(8, 2, &sum), 7);
    cr_expect_eq(reduce(64, 4, &sum), 16 + 4 + 1);
    cr_expect_eq(reduce(256, 16, &sum), 17);
    cr_expect_eq(reduce(0, 4, &sum), 0);
    cr_expect_geq(reduce(5, 2, &sum), 4);
    cr_expect_leq(reduce(1, 4, &sum), 1);
}

Test(step, a_failure_in_an_early_step_is_a_record_and_the_rest_goes_on)
{
    struct rig rig;
    rig_open(&rig, 4, NULL);
    rig.plan.n_steps = 2;
    rig.steps[1].is_reduce = true;
    rig.steps[1].fan_in = PLAN_FAN_IN_ALL;
    rig_begin(&rig, 8, 8, 100);
    rig_answer(&rig, rig_find(&rig, 0, 1), OUTCOME_EXIT, 3);
    rig_run(&rig);
    cr_assert(rig.ended);
    cr_expect_eq(rig.summary.failed, 1);
    cr_assert_eq(rig.n_records, 2);
    bool is_recorded = false;
    for (size_t i = 0; i < 2; i++)
        is_recorded |= rig.records[i].step == 0 && rig.records[i].chunk == 1 &&
                       rig.records[i].ending.code == 3;
    cr_expect(is_recorded);
    rig_close(&rig);
}
