// Retries, blame, and what ends a job.
#include "rig.h"

Test(outcome, a_stale_attempt_is_fenced)
{
    struct rig rig;
    rig_open(&rig, 1, NULL);
    rig.steps[0].retry.limit = 1;
    rig_begin(&rig, 2, 4, UINT32_MAX);
    size_t first = rig_any(&rig);
    rig_answer(&rig, first, OUTCOME_EXIT, 1);
    size_t second = rig_any(&rig);
    cr_assert_neq(second, SIZE_MAX);
    cr_assert_eq(rig.leases[second].attempt, 2);
    rig_answer(&rig, first, OUTCOME_EXIT, 1);
    cr_expect_not(rig.ended, "the first attempt's second answer changes nothing");
    rig_answer(&rig, second, OUTCOME_OK, 0);
    cr_expect(rig.ended);
    cr_expect_eq(rig.n_records, 1);
    cr_expect_eq(rig.summary.ok, 1);
    cr_expect_geq(rig.summary.fenced + rig.summary.duplicates, 1);
    rig_close(&rig);
}

Test(outcome, another_coordinator_s_epoch_is_fenced)
{
    struct rig rig;
    rig_open(&rig, 1, NULL);
    rig_begin(&rig, 2, 4, UINT32_MAX);
    const struct rig_lease *lease = &rig.leases[rig_any(&rig)];
    struct result result = {
        .job = RIG_JOB, .attempt = lease->attempt, .chunk = lease->chunk, .n_items = 1};
    struct event event = {.type = EV_RESULT, .worker = 1};
    event.result.result = &result;
    event.result.epoch = RIG_EPOCH - 1;
    event.result.seq = ++rig.seq[1];
    core_handle(rig.core, &event, rig.now, &rig.actions);
    rig_event(&rig, (struct event){.type = EV_FLUSH}, 0);
    cr_expect_eq(rig.n_records, 0);
    rig_close(&rig);
}

Test(outcome, retries_wait_longer_each_time_and_end)
{
    struct rig rig;
    rig_open(&rig, 1, &(struct core_options){.silence_ns = 1000 * NS_PER_S});
    rig.steps[0].retry = (struct retry_policy){
        .limit = 3, .delay_ns = NS_PER_S, .backoff = 2, .max_delay_ns = 3 * NS_PER_S};
    rig_begin(&rig, 2, 4, UINT32_MAX);
    const int64_t delays[] = {1 * NS_PER_S, 2 * NS_PER_S, 3 * NS_PER_S};
    for (int i = 0; i < 3; i++) {
        int64_t failed_at = rig.now;
        rig_answer(&rig, rig_any(&rig), OUTCOME_EXIT, 1);
        cr_expect_eq(rig_any(&rig), SIZE_MAX, "it waits");
        cr_expect_eq(core_next_deadline(rig.core), failed_at + delays[i], "retry %d", i);
        rig_tick(&rig, failed_at + delays[i] - 1);
        cr_expect_eq(rig_any(&rig), SIZE_MAX, "not before its time");
        rig_event(&rig, (struct event){.type = EV_WORKER_ALIVE, .worker = 1}, 0);
        rig_tick(&rig, failed_at + delays[i]);
        cr_assert_neq(rig_any(&rig), SIZE_MAX, "retry %d", i);
    }
    rig_answer(&rig, rig_any(&rig), OUTCOME_EXIT, 1);
    cr_expect(rig.ended);
    cr_expect_eq(rig.summary.failed, 1);
    cr_expect_eq(rig.summary.retries, 3);
    cr_expect_eq(rig.records[0].attempt, 4);
    cr_expect_eq(rig.records[0].ending.outcome, OUTCOME_EXIT);
    cr_expect_str_eq(rig.records[0].error, "because");
    rig_close(&rig);
}

Test(outcome, crashes_are_counted_apart_from_retries)
{
    struct rig rig;
    rig_open(&rig, 1, NULL);
    rig.plan.crash_limit = 3;
    rig_begin(&rig, 2, 4, UINT32_MAX);
    rig_answer(&rig, rig_any(&rig), OUTCOME_CRASH, 11);
    rig_answer(&rig, rig_any(&rig), OUTCOME_CRASH, 11);
    cr_expect_not(rig.ended, "no retries were asked for, and yet it runs again");
    rig_answer(&rig, rig_any(&rig), OUTCOME_CRASH, 11);
    cr_expect(rig.ended);
    cr_expect_eq(rig.summary.failed, 1);
    cr_expect_eq(rig.records[0].ending.outcome, OUTCOME_CRASH);
    rig_close(&rig);
}

Test(outcome, a_command_that_is_not_there_ends_the_job_at_once)
{
    struct rig rig;
    rig_open(&rig, 1000, NULL);
    rig.steps[0].retry.limit = 9;
    rig_begin(&rig, 2, 4, UINT32_MAX);
    while (!rig.ended && rig_any(&rig) != SIZE_MAX)
        rig_answer(&rig, rig_any(&rig), OUTCOME_NOT_FOUND, 127);
    cr_assert(rig.ended);
    cr_expect_eq(rig.summary.fate, FATE_NOT_RUNNABLE);
    cr_expect_eq(rig.summary.first_code, 127);
    cr_expect_lt(rig.n_leases, 20);
    rig_close(&rig);
}

Test(outcome, on_error_continue_runs_all)
{
    struct rig rig;
    rig_open(&rig, 10, NULL);
    rig_begin(&rig, 2, 4, UINT32_MAX);
    rig_answer(&rig, rig_find(&rig, 0, 2), OUTCOME_EXIT, 1);
    rig_run(&rig);
    cr_assert(rig.ended);
    cr_expect_eq(rig.summary.fate, FATE_COMPLETE);
    cr_expect_eq(rig.summary.ok, 9);
    cr_expect_eq(rig.summary.failed, 1);
    cr_expect_eq(rig.n_records, 10);
    cr_expect_eq(rig.records[2].ending.outcome, OUTCOME_EXIT);
    rig_close(&rig);
}

Test(outcome, on_error_finish_starts_no_more)
{
    struct rig rig;
    rig_open(&rig, 1000, NULL);
    rig.plan.on_error = ON_ERROR_FINISH;
    rig_begin(&rig, 2, 4, UINT32_MAX);
    rig_answer(&rig, rig_any(&rig), OUTCOME_EXIT, 1);
    size_t leased = rig.n_leases;
    cr_expect_eq(rig.n_cancels == 0 || rig.cancel_mode == CANCEL_QUEUED, true);
    rig_run(&rig);
    cr_assert(rig.ended);
    cr_expect_eq(rig.n_leases, leased);
    cr_expect_eq(rig.summary.fate, FATE_FAILURES);
    cr_expect_eq(rig.summary.ok, leased - 1);
    rig_close(&rig);
}

Test(outcome, on_error_stop_ends_what_runs)
{
    struct rig rig;
    rig_open(&rig, 1000, NULL);
    rig.plan.on_error = ON_ERROR_STOP;
    rig_begin(&rig, 2, 4, UINT32_MAX);
    rig_answer(&rig, rig_any(&rig), OUTCOME_EXIT, 1);
    cr_expect_eq(rig.n_cancels, 1);
    cr_expect_eq(rig.cancel_mode, CANCEL_RUNNING);
    cr_expect_not(rig.ended, "it waits for what runs");
    while (!rig.ended && rig_any(&rig) != SIZE_MAX)
        rig_answer(&rig, rig_any(&rig), OUTCOME_CANCELLED, 0);
    cr_expect(rig.ended);
    cr_expect_eq(rig.summary.failed, 1);
    rig_close(&rig);
}

Test(outcome, max_failures_is_how_many_may_fail)
{
    struct rig rig;
    rig_open(&rig, 100, NULL);
    rig.plan.max_failures = 2;
    rig_begin(&rig, 2, 4, UINT32_MAX);
    rig_answer(&rig, rig_any(&rig), OUTCOME_EXIT, 1);
    rig_answer(&rig, rig_any(&rig), OUTCOME_EXIT, 1);
    size_t before = rig.n_leases;
    rig_answer(&rig, rig_any(&rig), OUTCOME_OK, 0);
    cr_expect_gt(rig.n_leases, before, "two are allowed");
    rig_answer(&rig, rig_any(&rig), OUTCOME_EXIT, 1);
    before = rig.n_leases;
    rig_run(&rig);
    cr_assert(rig.ended);
    cr_expect_eq(rig.n_leases, before, "three are not");
    cr_expect_eq(rig.summary.fate, FATE_FAILURES);
    rig_close(&rig);
}

Test(outcome, a_job_ends_once_so_many_are_ok)
{
    struct rig rig;
    rig_open(&rig, 100, NULL);
    rig.plan.until.what = UNTIL_OK;
    rig.plan.until.n = 2;
    rig.plan.until.stops = true;
    rig_begin(&rig, 2, 4, UINT32_MAX);
    rig_answer(&rig, rig_any(&rig), OUTCOME_EXIT, 1);
    rig_answer(&rig, rig_any(&rig), OUTCOME_OK, 0);
    cr_expect_eq(rig.n_cancels, 0);
    rig_answer(&rig, rig_any(&rig), OUTCOME_OK, 0);
    cr_expect_eq(rig.n_cancels, 1);
    cr_expect_eq(rig.cancel_mode, CANCEL_RUNNING);
    while (!rig.ended && rig_any(&rig) != SIZE_MAX)
        rig_answer(&rig, rig_any(&rig), OUTCOME_CANCELLED, 0);
    cr_assert(rig.ended);
    cr_expect_eq(rig.summary.fate, FATE_ENOUGH);
    cr_expect_eq(rig.summary.ok, 2);
    cr_expect_eq(rig.summary.failed, 1);
    rig_close(&rig);
}

Test(outcome, a_share_is_of_all_chunks)
{
    struct rig rig;
    rig_open(&rig, 10, NULL);
    rig.plan.until.what = UNTIL_DONE;
    rig.plan.until.bp = 2500;
    rig_begin(&rig, 1, 10, UINT32_MAX);
    rig_answer(&rig, rig_find(&rig, 0, 0), OUTCOME_OK, 0);
    rig_answer(&rig, rig_find(&rig, 0, 1), OUTCOME_EXIT, 1);
    cr_expect_eq(rig.n_cancels, 0, "2 of 10 are less than a quarter");
    rig_answer(&rig, rig_find(&rig, 0, 2), OUTCOME_OK, 0);
    cr_expect_eq(rig.n_cancels, 1);
    cr_expect_eq(rig.cancel_mode, CANCEL_QUEUED, "what runs goes on");
    rig_run(&rig);
    cr_assert(rig.ended);
    cr_expect_eq(rig.summary.fate, FATE_ENOUGH);
    rig_close(&rig);
}

Test(outcome, so_many_failures_end_it_early)
{
    struct rig rig;
    rig_open(&rig, 100, NULL);
    rig.plan.until.what = UNTIL_FAILED;
    rig.plan.until.n = 2;
    rig_begin(&rig, 1, 2, UINT32_MAX);
    rig_answer(&rig, rig_any(&rig), OUTCOME_EXIT, 1);
    cr_expect_not(rig.ended);
    rig_answer(&rig, rig_any(&rig), OUTCOME_EXIT, 1);
    rig_run(&rig);
    cr_assert(rig.ended);
    cr_expect_eq(rig.summary.fate, FATE_FAILURES);
    cr_expect_eq(rig.summary.failed, 2);
    rig_close(&rig);
}

Test(outcome, a_cancelled_job_keeps_what_was_finished)
{
    struct rig rig;
    rig_open(&rig, 100, NULL);
    rig_begin(&rig, 2, 4, UINT32_MAX);
    rig_answer(&rig, rig_find(&rig, 0, 0), OUTCOME_OK, 0);
    rig_answer(&rig, rig_find(&rig, 0, 1), OUTCOME_OK, 0);
    rig_cancel(&rig, CANCEL_RUNNING);
    cr_expect_eq(rig.n_cancels, 1);
    while (!rig.ended && rig_any(&rig) != SIZE_MAX)
        rig_answer(&rig, rig_any(&rig), OUTCOME_CANCELLED, 0);
    cr_assert(rig.ended);
    cr_expect_eq(rig.summary.fate, FATE_CANCELLED);
    cr_expect_eq(rig.summary.ok, 2);
    cr_expect_geq(rig.n_records, 2);
    cr_expect_str_eq(rig_text(&rig, 0), "0\n");
    cr_expect_str_eq(rig_text(&rig, 1), "1\n");
    rig_close(&rig);
}

Test(outcome, a_worker_lost_while_the_job_is_stopped_ends_it)
{
    struct rig rig;
    rig_open(&rig, 100, NULL);
    rig_begin(&rig, 2, 4, UINT32_MAX);
    rig_cancel(&rig, CANCEL_RUNNING);
    cr_expect_not(rig.ended);
    rig_down(&rig, 1);
    cr_expect(rig.ended);
    rig_close(&rig);
}

Test(outcome, a_source_that_breaks_keeps_what_is_done)
{
    struct rig rig;
    rig_open(&rig, 3, NULL);
    rig.holds_back = true;
    rig_begin(&rig, 2, 4, UINT32_MAX);
    struct run run = {.kind = RUN_RANGE, .count = 2, .items_per_chunk = 1, .item_end = 2};
    rig_event(&rig, (struct event){.type = EV_FED, .job = RIG_JOB, .run = &run}, 0);
    struct event broken = {.type = EV_FED_END, .job = RIG_JOB};
    broken.fed_end.code = -EIO;
    broken.fed_end.text = "the disk is on fire";
    rig_event(&rig, broken, 0);
    rig_run(&rig);
    cr_assert(rig.ended);
    cr_expect_eq(rig.summary.fate, FATE_SOURCE);
    cr_expect_str_eq(rig.summary.text, "the disk is on fire");
    cr_expect_eq(rig.n_records, rig.summary.ok);
    rig_close(&rig);
}

Test(outcome, results_are_acknowledged_cumulatively)
{
    struct rig rig;
    rig_open(&rig, 8, NULL);
    rig_begin(&rig, 2, 4, UINT32_MAX);
    rig_answer(&rig, rig_find(&rig, 0, 0), OUTCOME_OK, 0);
    rig_answer(&rig, rig_find(&rig, 0, 1), OUTCOME_OK, 0);
    cr_expect_eq(rig.acked[1], 2);
    rig_run(&rig);
    cr_expect_eq(rig.acked[1], 8);
    rig_close(&rig);
}

Test(outcome, a_file_that_the_worker_can_t_read_is_fetched)
{
    struct rig rig;
    rig_open(&rig, 1, NULL);
    rig.holds_back = true; // the test feeds
    rig_begin(&rig, 2, 2, 10);
    rig_feed_extent(&rig, "extent");
    rig_answer(&rig, rig_find(&rig, 0, 0), OUTCOME_INPUT, -2);
    cr_assert_eq(rig.n_fetches, 1);
    cr_expect_eq(rig.fetch_chunk, 0);
    cr_expect_eq(rig.n_records, 0);
    struct slice bytes;
    cr_assert_eq(slice_copy("bytes", 5, &bytes), 0);
    struct event event = {.type = EV_FETCHED, .job = RIG_JOB};
    event.fetched.bytes = &bytes;
    rig_event(&rig, event, 0);
    size_t again = rig_find(&rig, 0, 0);
    rig_answer(&rig, again, OUTCOME_OK, 0);
    cr_assert_eq(rig.n_records, 1);
    cr_expect_eq(rig.records[0].ending.outcome, OUTCOME_OK);
    // A late answer finds nothing to do.
    cr_assert_eq(slice_copy("late", 4, &bytes), 0);
    rig_event(&rig, event, 0);
    rig_close(&rig);
}

Test(outcome, a_file_that_nobody_can_read_fails)
{
    struct rig rig;
    rig_open(&rig, 1, NULL);
    rig.holds_back = true; // the test feeds
    rig_begin(&rig, 2, 2, 10);
    rig_feed_extent(&rig, "extent");
    rig_answer(&rig, rig_find(&rig, 0, 0), OUTCOME_INPUT, -2);
    struct slice bytes = {0};
    struct event event = {.type = EV_FETCHED, .job = RIG_JOB};
    event.fetched.bytes = &bytes;
    event.fetched.code = -5;
    event.fetched.text = "no disk";
    rig_event(&rig, event, 0);
    cr_assert_eq(rig.n_records, 1);
    cr_expect_eq(rig.records[0].ending.outcome, OUTCOME_INPUT);
    cr_expect_eq(rig.n_fetches, 1);
    rig_close(&rig);
}
