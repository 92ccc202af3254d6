// The order of results, the consumer's credit, and the window that both bound.
#include "rig.h"

Test(stream, input_order_whatever_order_answers_come_in)
{
    struct rig rig;
    rig_open(&rig, 4, NULL);
    rig_begin(&rig, 4, 4, 10);
    rig_answer(&rig, rig_find(&rig, 0, 3), OUTCOME_OK, 0);
    rig_answer(&rig, rig_find(&rig, 0, 1), OUTCOME_OK, 0);
    cr_expect_eq(rig.n_records, 0);
    rig_answer(&rig, rig_find(&rig, 0, 0), OUTCOME_OK, 0);
    cr_expect_eq(rig.n_records, 2);
    rig_answer(&rig, rig_find(&rig, 0, 2), OUTCOME_OK, 0);
    cr_assert_eq(rig.n_records, 4);
    for (size_t i = 0; i < 4; i++) {
        cr_expect_eq(rig.records[i].offset, i);
        cr_expect_eq(rig.records[i].chunk, i);
    }
    cr_expect_str_eq(rig_text(&rig, 2), "2\n");
    rig_close(&rig);
}

Test(stream, completion_order_is_the_order_of_answers)
{
    struct rig rig;
    rig_open(&rig, 3, NULL);
    rig.plan.order = ORDER_COMPLETION;
    rig_begin(&rig, 4, 4, 10);
    rig_answer(&rig, rig_find(&rig, 0, 2), OUTCOME_OK, 0);
    rig_answer(&rig, rig_find(&rig, 0, 0), OUTCOME_OK, 0);
    rig_answer(&rig, rig_find(&rig, 0, 1), OUTCOME_OK, 0);
    cr_assert_eq(rig.n_records, 3);
    cr_expect_eq(rig.records[0].chunk, 2);
    cr_expect_eq(rig.records[1].chunk, 0);
    cr_expect_eq(rig.records[2].chunk, 1);
    cr_expect_eq(rig.records[2].offset, 2);
    rig_close(&rig);
}

Test(stream, nothing_begins_without_the_consumer_s_credit)
{
    struct rig rig;
    rig_open(&rig, 4, NULL);
    rig_worker(&rig, 1, 4, 4);
    rig_submit(&rig);
    rig_run(&rig);
    cr_expect_eq(rig.n_leases, 0);
    cr_expect_not(rig.ended);
    rig_stream(&rig, 1);
    rig_run(&rig);
    cr_expect_eq(rig.n_leases, 1, "no more run than the consumer is ready to take");
    cr_expect_eq(rig.n_records, 1);
    rig_stream(&rig, 1);
    rig_run(&rig);
    cr_expect_eq(rig.n_records, 1, "credit is absolute");
    rig_stream(&rig, 4);
    rig_run(&rig);
    cr_expect_eq(rig.n_records, 4);
    cr_expect(rig.ended);
    rig_close(&rig);
}

Test(stream, a_chunk_that_runs_again_keeps_its_place_in_the_credit)
{
    struct rig rig;
    rig_open(&rig, 10, NULL);
    rig.plan.steps[0].retry = (struct retry_policy){.limit = 1, .delay_ns = 1000000};
    rig_begin(&rig, 10, 10, 3);
    rig_answer(&rig, rig_find(&rig, 0, 0), OUTCOME_EXIT, 1);
    rig_answer(&rig, rig_find(&rig, 0, 1), OUTCOME_OK, 0);
    rig_answer(&rig, rig_find(&rig, 0, 2), OUTCOME_OK, 0);
    // Nothing may take the place of the first chunk while it waits, or the order would never move.
    cr_expect_eq(rig.n_leases, 3);
    rig_tick(&rig, rig.now + 2000000);
    rig_run(&rig);
    cr_expect_eq(rig.n_records, 3);
    rig_close(&rig);
}

Test(stream, byte_credit_holds_records_back_but_never_for_good)
{
    struct rig rig;
    rig_open(&rig, 3, NULL);
    rig_worker(&rig, 1, 4, 4);
    rig_submit(&rig);
    struct event event = {.type = EV_STREAM_CREDIT, .job = RIG_JOB};
    event.stream_credit.items = 10;
    event.stream_credit.bytes = 1;
    rig_event(&rig, event, 0);
    rig_run(&rig);
    cr_expect_leq(rig.n_records, 1);
    event.stream_credit.bytes = 100;
    rig_event(&rig, event, 0);
    cr_expect_eq(rig.n_records, 3);
    rig_close(&rig);
}

Test(stream, a_consumer_that_stops_stops_the_source)
{
    struct rig rig;
    rig_open(&rig, 1000000, &(struct core_options){.window_items = 64});
    rig_worker(&rig, 1, 4, 1000);
    rig_submit(&rig);
    rig_run(&rig);
    cr_expect_leq(rig.fed, 128, "fed %llu", (unsigned long long)rig.fed);
    uint64_t before = rig.fed;
    rig_stream(&rig, 50);
    rig_run(&rig);
    cr_expect_eq(rig.n_records, 50);
    cr_expect_geq(rig.fed, before + 40);
    rig_close(&rig);
}

Test(stream, a_slow_first_chunk_holds_the_window_not_the_memory)
{
    struct rig rig;
    rig_open(&rig, 3000, &(struct core_options){.window_items = 64});
    rig_begin(&rig, 4, 1000, UINT32_MAX);
    size_t slow = rig_find(&rig, 0, 0);
    rig.leases[slow].over = true; // it is left alone
    rig_run(&rig);
    cr_expect_eq(rig.n_records, 0);
    cr_expect_leq(rig.most_in_memory, 128);
    rig_answer(&rig, slow, OUTCOME_OK, 0);
    cr_expect_gt(rig.n_records, 30);
    rig_run(&rig);
    cr_expect(rig.ended);
    cr_expect_eq(rig.n_records, 3000);
    rig_close(&rig);
}

Test(stream, a_billion_chunks_are_a_few_words)
{
    struct rig rig;
    rig_open(&rig, 1000000000, NULL);
    rig_begin(&rig, 2, 100, UINT32_MAX);
    struct core_stats stats;
    core_stats(rig.core, &stats);
    cr_expect_leq(stats.pending + stats.leased, 100000);
    cr_expect_eq(rig_open_leases(&rig, 1), 100);
    rig_close(&rig);
}

Test(stream, an_empty_source_is_a_complete_job)
{
    struct rig rig;
    rig_open(&rig, 0, NULL);
    rig_worker(&rig, 1, 2, 4);
    rig_submit(&rig);
    cr_expect(rig.ended);
    cr_expect_eq(rig.summary.fate, FATE_COMPLETE);
    cr_expect_eq(rig.n_records, 0);
    rig_close(&rig);
}

Test(stream, the_end_is_told_after_the_last_record_and_the_job_is_forgotten)
{
    struct rig rig;
    rig_open(&rig, 5, NULL);
    rig_begin(&rig, 2, 10, 5);
    rig_run(&rig);
    cr_expect(rig.ended);
    cr_expect_eq(rig.summary.chunks, 5);
    cr_expect_eq(rig.n_forgets, 1);
    rig_event(&rig, (struct event){.type = EV_CANCEL, .job = RIG_JOB}, -EINVAL);
    rig_close(&rig);
}

Test(stream, results_that_wait_are_bounded_by_their_bytes)
{
    struct rig rig;
    rig_open(&rig, 100, &(struct core_options){.held_bytes = 30});
    rig_begin(&rig, 4, 4, 1000);
    // Chunk 0 is slow; 10 bytes come from each of the others.
    for (uint64_t chunk = 1; chunk < 100 && rig_find(&rig, 0, chunk) != SIZE_MAX; chunk++)
        rig_answer_text(&rig, rig_find(&rig, 0, chunk), OUTCOME_OK, 0, "0123456789");
    cr_expect_eq(rig.n_records, 0);
    cr_expect_leq(core_held_bytes(rig.core), 30 + 3 * 10, "the limit, and what was at work");
    cr_expect_eq(rig_open_leases(&rig, 1), 1, "nothing begins beside the one all wait for");
    rig_answer(&rig, rig_find(&rig, 0, 0), OUTCOME_OK, 0);
    rig_run(&rig);
    cr_expect_eq(rig.n_records, 100, "nothing was dropped");
    cr_expect(rig.ended);
    rig_close(&rig);
}

Test(stream, a_spool_that_became_smaller_loses_nothing)
{
    struct rig rig;
    rig_open(&rig, 20, &(struct core_options){.held_bytes = 1000});
    rig_begin(&rig, 2, 2, 1000);
    rig_answer(&rig, rig_find(&rig, 0, 1), OUTCOME_OK, 0);
    rig_event(&rig, (struct event){.type = EV_HOLD, .held_bytes = 1}, 0);
    rig_answer(&rig, rig_find(&rig, 0, 2), OUTCOME_OK, 0);
    cr_expect_eq(rig_open_leases(&rig, 1), 1);
    rig_answer(&rig, rig_find(&rig, 0, 0), OUTCOME_CRASH, 9);
    cr_expect_eq(rig_open_leases(&rig, 1), 1, "the one all wait for runs again");
    rig_run(&rig);
    cr_expect_eq(rig.n_records, 20);
    rig_close(&rig);
}

// The part may come before the credit for it, and what runs may wait until the part was seen.
Test(stream, parts_of_a_running_chunk_come_with_the_credit)
{
    for (int order = ORDER_INPUT; order <= ORDER_COMPLETION; order++) {
        struct rig rig;
        rig_open(&rig, 1, NULL);
        rig.plan.partial = true;
        rig.plan.order = (enum order)order;
        rig_worker(&rig, 1, 4, 4);
        rig_submit(&rig);
        rig_stream(&rig, 1);
        size_t lease = rig_find(&rig, 0, 0);
        rig_part(&rig, lease, "one");
        cr_assert_eq(rig.n_records, 1);
        rig_part(&rig, lease, "two");
        cr_expect_eq(rig.n_records, 1, "without credit for it");
        rig_stream(&rig, 2);
        cr_assert_eq(rig.n_records, 2);
        cr_expect_str_eq(rig_text(&rig, 1), "two");
        cr_expect(rig.records[1].partial);
        rig_stream(&rig, 3);
        rig_answer_text(&rig, lease, OUTCOME_OK, 0, "");
        cr_expect_eq(rig.n_records, 3);
        cr_expect(rig.ended);
        rig_close(&rig);
    }
}
