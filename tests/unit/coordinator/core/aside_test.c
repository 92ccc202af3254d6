// Chunks that could not be started: another worker first, and what that says of worker and job.
#include "rig.h"

// Two workers of two slots; the second joins once the first has its share.
static void begin_two(struct rig *rig, uint64_t total)
{
    rig_open(rig, total, &(struct core_options){.silence_ns = 1000000 * NS_PER_S});
    rig_begin(rig, 2, 2, UINT32_MAX);
    rig_worker(rig, 2, 2, 2);
}

static size_t of_worker(const struct rig *rig, uint64_t worker)
{
    for (size_t i = 0; i < rig->n_leases; i++)
        if (rig->leases[i].worker == worker && !rig->leases[i].over)
            return i;
    return SIZE_MAX;
}

static void refuse_all(struct rig *rig, uint64_t worker)
{
    size_t i;
    while (!rig->ended && (i = of_worker(rig, worker)) != SIZE_MAX)
        rig_answer(rig, i, OUTCOME_NOT_FOUND, 127);
}

static void run_worker(struct rig *rig, uint64_t worker)
{
    size_t i;
    while (!rig->ended && (i = of_worker(rig, worker)) != SIZE_MAX)
        rig_answer(rig, i, OUTCOME_OK, 0);
}

Test(aside, a_worker_without_the_program_spoils_nothing)
{
    struct rig rig;
    begin_two(&rig, 400);
    refuse_all(&rig, 2);
    cr_expect_eq(rig.n_asides, 1);
    cr_expect_eq(rig.aside_worker, 2);
    cr_expect_eq(of_worker(&rig, 2), SIZE_MAX, "it gets no more");
    run_worker(&rig, 1);
    cr_assert(rig.ended);
    cr_expect_eq(rig.summary.fate, FATE_COMPLETE);
    cr_expect_eq(rig.summary.ok, 400);
    cr_expect_eq(rig.summary.failed, 0);
    cr_expect_eq(rig.summary.retries, 0, "it cost no attempt");
    rig_close(&rig);
}

Test(aside, it_is_tried_again_after_a_while_with_one_chunk_and_longer_each_time)
{
    struct rig rig;
    begin_two(&rig, 1000);
    int64_t wait = 5 * NS_PER_S;
    refuse_all(&rig, 2);
    for (int i = 0; i < 9; i++) {
        cr_expect_eq(rig.aside_ns, wait, "time %d", i);
        cr_expect_leq(core_next_deadline(rig.core), rig.now + wait);
        rig_tick(&rig, rig.now + wait - 1);
        cr_expect_eq(of_worker(&rig, 2), SIZE_MAX);
        rig_answer(&rig, of_worker(&rig, 1), OUTCOME_OK, 0);
        rig_tick(&rig, rig.now + 1);
        cr_assert_eq(rig_open_leases(&rig, 2), 1, "one chunk");
        rig_answer(&rig, of_worker(&rig, 2), OUTCOME_NOT_RUNNABLE, 126);
        wait = wait < 320 * NS_PER_S ? 2 * wait : wait;
    }
    // Then it works.
    rig_tick(&rig, rig.now + wait);
    cr_assert_eq(rig_open_leases(&rig, 2), 1);
    rig_answer(&rig, of_worker(&rig, 2), OUTCOME_OK, 0);
    cr_expect_eq(rig_open_leases(&rig, 2), 2, "all it can take");
    rig_run(&rig);
    cr_assert(rig.ended);
    cr_expect_eq(rig.summary.ok, 1000);
    rig_close(&rig);
}

Test(aside, a_chunk_that_no_worker_can_start_fails_and_blames_no_worker)
{
    struct rig rig;
    begin_two(&rig, 100);
    rig_answer(&rig, rig_find(&rig, 0, 0), OUTCOME_OK, 0);
    rig_answer(&rig, of_worker(&rig, 2), OUTCOME_OK, 0);
    rig_answer(&rig, rig_find(&rig, 0, 1), OUTCOME_NOT_FOUND, 127);
    cr_expect_eq(rig.n_asides, 1);
    // The worker that could not does not get it again, whatever else it does well.
    while (rig_find(&rig, 0, 1) == SIZE_MAX)
        rig_answer(&rig, of_worker(&rig, 2), OUTCOME_OK, 0);
    cr_expect_eq(rig.leases[rig_find(&rig, 0, 1)].worker, 2);
    rig_answer(&rig, rig_find(&rig, 0, 1), OUTCOME_NOT_FOUND, 127);
    cr_expect_neq(of_worker(&rig, 1), SIZE_MAX, "it was the chunk");
    rig_run(&rig);
    cr_assert(rig.ended);
    cr_expect_eq(rig.summary.fate, FATE_COMPLETE);
    cr_expect_eq(rig.summary.ok, 99);
    cr_expect_eq(rig.summary.failed, 1);
    cr_expect_eq(rig.records[1].ending.outcome, OUTCOME_NOT_FOUND);
    rig_close(&rig);
}

Test(aside, one_chunk_that_cannot_be_started_is_a_failure_like_others)
{
    // The only worker; also when it is the first chunk of all.
    for (uint64_t bad = 0; bad < 3; bad++) {
        struct rig rig;
        rig_open(&rig, 20, NULL);
        rig_begin(&rig, 2, 4, UINT32_MAX);
        rig_answer(&rig, rig_find(&rig, 0, bad), OUTCOME_NOT_FOUND, 127);
        rig_run(&rig);
        cr_assert(rig.ended);
        cr_expect_eq(rig.summary.fate, FATE_COMPLETE);
        cr_expect_eq(rig.summary.ok, 19);
        cr_expect_eq(rig.summary.failed, 1);
        cr_expect_eq(rig.n_asides, 0, "no other worker could take its chunks");
        rig_close(&rig);
    }
}

Test(aside, what_no_worker_can_start_ends_the_job_soon)
{
    struct rig rig;
    begin_two(&rig, 100000);
    refuse_all(&rig, 2);
    refuse_all(&rig, 1);
    cr_assert(rig.ended);
    cr_expect_eq(rig.summary.fate, FATE_NOT_RUNNABLE);
    cr_expect_eq(rig.summary.first_code, 127);
    cr_expect_lt(rig.n_leases, 20);
    rig_close(&rig);
}

Test(aside, a_doubted_step_waits_for_what_runs)
{
    struct rig rig;
    rig_open(&rig, 1000, NULL);
    rig_begin(&rig, 2, 2, UINT32_MAX);
    size_t runs = rig_find(&rig, 0, 0), at;
    for (int i = 0; i < 10; i++) {
        for (at = 0; at < rig.n_leases && (at == runs || rig.leases[at].over); at++)
            ;
        if (at == rig.n_leases)
            break;
        rig_answer(&rig, at, OUTCOME_NOT_FOUND, 127);
    }
    cr_expect_leq(rig.n_leases, 4);
    cr_expect_not(rig.ended);
    rig_answer(&rig, runs, OUTCOME_OK, 0);
    rig_run(&rig);
    cr_assert(rig.ended);
    cr_expect_eq(rig.summary.fate, FATE_COMPLETE);
    cr_expect_eq(rig.summary.failed, 3);
    cr_expect_eq(rig.summary.ok, 997);
    rig_close(&rig);
}

Test(aside, a_job_of_which_nothing_could_be_started_says_so)
{
    struct rig rig;
    rig_open(&rig, 1, NULL);
    rig_begin(&rig, 2, 2, UINT32_MAX);
    rig_answer(&rig, rig_any(&rig), OUTCOME_NOT_RUNNABLE, 126);
    cr_assert(rig.ended);
    cr_expect_eq(rig.summary.fate, FATE_NOT_RUNNABLE);
    cr_expect_eq(rig.summary.first_code, 126);
    rig_close(&rig);
}

Test(aside, retries_are_for_chunks_of_a_step_that_runs)
{
    struct rig rig;
    rig_open(&rig, 10, NULL);
    rig.steps[0].retry.limit = 1;
    rig_begin(&rig, 1, 1, UINT32_MAX);
    rig_answer(&rig, rig_find(&rig, 0, 0), OUTCOME_EXIT, 3); // it was started
    rig_answer(&rig, rig_any(&rig), OUTCOME_OK, 0);
    rig_answer(&rig, rig_find(&rig, 0, 1), OUTCOME_NOT_FOUND, 127);
    rig_run(&rig);
    cr_assert(rig.ended);
    cr_expect_eq(rig.summary.ok, 10);
    cr_expect_eq(rig.summary.retries, 2);
    rig_close(&rig);
}

Test(aside, explain_says_who_and_why)
{
    struct rig rig;
    char said[1024] = "";
    begin_two(&rig, 400);
    rig_answer(&rig, of_worker(&rig, 2), OUTCOME_NOT_FOUND, 127);
    rig_explain(&rig, said, sizeof(said));
    cr_expect(strstr(said, "worker 2 is set aside for 5 s: because"), "%s", said);
    rig_run(&rig);
    rig_close(&rig);
}
