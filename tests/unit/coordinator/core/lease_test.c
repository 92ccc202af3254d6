// Who gets which chunk, and what the loss of a worker costs.
#include "rig.h"

Test(lease, a_worker_gets_no_more_than_its_window)
{
    struct rig rig;
    rig_open(&rig, 100, NULL);
    rig_begin(&rig, 2, 3, UINT32_MAX);
    cr_expect_eq(rig_open_leases(&rig, 1), 3);
    rig_answer(&rig, rig_any(&rig), OUTCOME_OK, 0);
    cr_expect_eq(rig_open_leases(&rig, 1), 3, "an answer makes room for one");
    rig_credit(&rig, 1, 5);
    cr_expect_eq(rig_open_leases(&rig, 1), 5);
    rig_credit(&rig, 1, 0);
    rig_answer(&rig, rig_any(&rig), OUTCOME_OK, 0);
    cr_expect_eq(rig_open_leases(&rig, 1), 4, "a window of 0 pauses");
    rig_close(&rig);
}

Test(lease, short_runs_fill_a_window_and_no_more)
{
    struct rig rig;
    rig_open(&rig, 100, NULL);
    rig.holds_back = true; // the test feeds
    rig_begin(&rig, 2, 0, UINT32_MAX);
    // Two fill the slots. Of the 18 that are left the first run has 17: the last place is for one
    // chunk of the second run, though a job gets two at once of so many places.
    struct run run = {.kind = RUN_RANGE, .count = 19, .items_per_chunk = 2, .item_end = 37};
    rig_event(&rig, (struct event){.type = EV_FED, .job = RIG_JOB, .run = &run}, 0);
    run = (struct run){
        .kind = RUN_RANGE, .count = 9, .item_first = 37, .items_per_chunk = 2, .item_end = 55};
    rig_event(&rig, (struct event){.type = EV_FED, .job = RIG_JOB, .run = &run}, 0);
    rig_credit(&rig, 1, 20);
    cr_expect_eq(rig_open_leases(&rig, 1), 20);
    rig_close(&rig);
}

Test(lease, a_repeated_credit_changes_nothing)
{
    struct rig rig;
    rig_open(&rig, 100, NULL);
    rig_begin(&rig, 2, 4, UINT32_MAX);
    for (int i = 0; i < 10; i++)
        rig_credit(&rig, 1, 4);
    cr_expect_eq(rig.n_leases, 4);
    rig_close(&rig);
}

Test(lease, consecutive_chunks_travel_as_one_run)
{
    struct rig rig;
    rig_open(&rig, 1000, NULL);
    rig_begin(&rig, 2, 200, UINT32_MAX);
    cr_expect_geq(rig.n_leases, 100);
    cr_expect_leq(rig.n_lease_actions, rig.n_leases / 20);
    cr_expect_eq(rig.n_steps_sent, 1, "a step is defined once");
    rig_close(&rig);
}

Test(lease, two_workers_share)
{
    struct rig rig;
    rig_open(&rig, 8, NULL);
    rig_worker(&rig, 1, 2, 4);
    rig_worker(&rig, 2, 2, 4);
    rig_submit(&rig);
    rig_stream(&rig, UINT32_MAX);
    cr_expect_eq(rig_open_leases(&rig, 1), 4);
    cr_expect_eq(rig_open_leases(&rig, 2), 4);
    rig_close(&rig);
}

Test(lease, parallelism_bounds_what_is_out)
{
    struct rig rig;
    rig_open(&rig, 100, NULL);
    rig.plan.parallelism = 2;
    rig_begin(&rig, 8, 50, UINT32_MAX);
    cr_expect_eq(rig_open_leases(&rig, 1), 2);
    rig_run(&rig);
    cr_expect(rig.fed == 100 || rig.n_records < 100);
    rig_close(&rig);
}

Test(lease, a_lost_worker_s_chunks_go_to_another)
{
    struct rig rig;
    rig_open(&rig, 6, NULL);
    rig_begin(&rig, 2, 6, UINT32_MAX);
    rig_stream(&rig, 100);
    cr_assert_eq(rig_open_leases(&rig, 1), 6);
    rig_down(&rig, 1);
    rig_worker(&rig, 2, 2, 6);
    cr_expect_eq(rig_open_leases(&rig, 2), 6);
    rig_run(&rig);
    cr_expect(rig.ended);
    cr_expect_eq(rig.n_records, 6);
    cr_expect_eq(rig.summary.ok, 6);
    rig_close(&rig);
}

Test(lease, a_lost_worker_is_blamed_on_as_many_chunks_as_it_had_slots)
{
    struct rig rig;
    rig_open(&rig, 10, NULL);
    rig.plan.crash_limit = 1;
    rig_begin(&rig, 2, 10, UINT32_MAX);
    rig_stream(&rig, 100);
    rig_down(&rig, 1);
    rig_worker(&rig, 2, 2, 10);
    rig_run(&rig);
    cr_assert(rig.ended);
    cr_expect_eq(rig.summary.failed, 2, "those that may have run when it died");
    cr_expect_eq(rig.summary.ok, 8);
    rig_close(&rig);
}

Test(lease, a_silent_worker_is_lost_at_its_time_and_not_before)
{
    struct rig rig;
    rig_open(&rig, 4, &(struct core_options){.silence_ns = 5 * NS_PER_S});
    rig_begin(&rig, 2, 4, UINT32_MAX);
    int64_t last = rig.now;
    rig.now = last + 3 * NS_PER_S;
    rig_event(&rig, (struct event){.type = EV_WORKER_ALIVE, .worker = 1}, 0);
    rig_tick(&rig, last + 7 * NS_PER_S);
    cr_expect_eq(rig.n_drops, 0, "it was heard 4 s ago");
    rig_tick(&rig, last + 9 * NS_PER_S);
    cr_expect_eq(rig.n_drops, 1);
    rig_close(&rig);
}

Test(lease, a_draining_worker_gets_nothing_new)
{
    struct rig rig;
    rig_open(&rig, 20, NULL);
    rig_begin(&rig, 2, 4, UINT32_MAX);
    rig_event(&rig, (struct event){.type = EV_WORKER_DRAIN, .worker = 1}, 0);
    size_t before = rig.n_leases;
    rig_answer(&rig, rig_any(&rig), OUTCOME_OK, 0);
    rig_credit(&rig, 1, 10);
    cr_expect_eq(rig.n_leases, before);
    rig_close(&rig);
}

// As at the end of a batch job's time: TERM, and KILL some seconds later.
Test(lease, a_worker_that_said_it_leaves_and_is_killed_costs_no_attempt)
{
    struct rig rig;
    rig_open(&rig, 1, NULL);
    rig.plan.crash_limit = 1;
    rig_begin(&rig, 1, 1, UINT32_MAX);
    for (uint64_t id = 2; id < 8; id++) {
        rig_event(&rig, (struct event){.type = EV_WORKER_DRAIN, .worker = id - 1}, 0);
        rig_down(&rig, id - 1);
        rig_worker(&rig, id, 1, 1);
    }
    rig_run(&rig);
    cr_assert(rig.ended);
    cr_expect_eq(rig.summary.ok, 1);
    cr_expect_eq(rig.summary.failed, 0);
    cr_expect_eq(rig.records[0].attempt, 1);
    rig_close(&rig);
}

Test(lease, a_returned_chunk_costs_no_attempt)
{
    struct rig rig;
    rig_open(&rig, 1, NULL);
    rig_begin(&rig, 1, 1, UINT32_MAX);
    for (int i = 0; i < 20; i++) {
        size_t at = rig_any(&rig);
        cr_assert_neq(at, SIZE_MAX);
        rig_return(&rig, at);
    }
    rig_stream(&rig, 1);
    rig_run(&rig);
    cr_expect(rig.ended);
    cr_expect_eq(rig.summary.ok, 1);
    cr_expect_eq(rig.summary.failed, 0);
    rig_close(&rig);
}

Test(lease, events_of_unknown_workers_and_jobs_are_refused)
{
    struct rig rig;
    rig_open(&rig, 4, NULL);
    rig_begin(&rig, 1, 1, UINT32_MAX);
    rig_event(&rig, (struct event){.type = EV_WORKER_CREDIT, .worker = 9}, -EINVAL);
    rig_event(&rig, (struct event){.type = EV_WORKER_DOWN, .worker = 9, .reason = "x"}, -EINVAL);
    rig_event(&rig, (struct event){.type = EV_CANCEL, .job = 9}, -EINVAL);
    rig_event(&rig, (struct event){.type = EV_STREAM_CREDIT, .job = 9}, -EINVAL);
    rig_close(&rig);
}
