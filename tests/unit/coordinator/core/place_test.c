// Which worker a chunk comes to when several want it or none has room: recalls, priorities, holds,
// places that are kept, and time that runs out.
#include <stdio.h>

#include "base/slice.h"
#include "rig.h"

// A second job with one step, submitted with `n` chunks of `bytes` each.
static void second_job(struct rig *rig, struct plan *plan, struct step *step, uint64_t n,
                       uint32_t bytes)
{
    *step = rig->steps[0];
    *plan = rig->plan;
    plan->steps = step;
    rig_event(rig, (struct event){.type = EV_SUBMIT, .job = 2, .plan = plan}, 0);
    struct event credit = {.type = EV_STREAM_CREDIT, .job = 2};
    credit.stream_credit.items = credit.stream_credit.bytes = UINT32_MAX;
    rig_event(rig, credit, 0);
    struct run run = {.kind = RUN_RANGE, .count = n, .items_per_chunk = 1, .item_end = n};
    if (bytes) {
        struct slab *slab = slab_new(n * bytes);
        run.kind = RUN_BYTES;
        run.lens = malloc(n * sizeof(*run.lens));
        cr_assert(slab && run.lens);
        memset(slab->data, 'x', n * bytes);
        for (uint64_t i = 0; i < n; i++)
            run.lens[i] = bytes;
        run.body = (struct slice){.slab = slab, .data = slab->data, .len = n * bytes};
    }
    rig_event(rig, (struct event){.type = EV_FED, .job = 2, .run = &run}, 0);
}

static size_t of_job(const struct rig *rig, uint64_t job)
{
    for (size_t i = 0; i < rig->n_leases; i++)
        if (!rig->leases[i].over && rig->leases[i].job == job)
            return i;
    return SIZE_MAX;
}

static void begun(struct rig *rig, size_t at)
{
    const struct rig_lease *lease = &rig->leases[at];
    struct event event = {.type = EV_BEGUN, .worker = lease->worker, .job = lease->job};
    event.begun = (struct msg_begun){
        .job = lease->job, .step = lease->step, .attempt = lease->attempt, .chunk = lease->chunk};
    rig_event(rig, event, 0);
}

static struct core_progress progress(const struct rig *rig, uint64_t job)
{
    struct core_progress p;
    cr_assert_eq(core_job_progress(rig->core, job, &p), 0);
    return p;
}

static const char *said(const struct rig *rig, uint64_t job);

Test(place, what_waits_is_asked_back_for_a_worker_that_joins)
{
    struct rig rig;
    rig_open(&rig, 4, NULL);
    rig_begin(&rig, 2, 4, UINT32_MAX);
    begun(&rig, rig_find(&rig, 0, 0));
    begun(&rig, rig_find(&rig, 0, 1));
    rig_worker(&rig, 2, 2, 4);
    cr_expect_eq(rig.n_recalls, 0, "it has just been leased");
    rig_tick(&rig, rig.now + 60 * NS_PER_MS);
    cr_assert_eq(rig.n_recalls, 2);
    cr_expect_eq(rig.recalls[0].worker, 1);
    cr_expect_eq(rig.recalls[0].chunk + rig.recalls[1].chunk, 5, "chunks 2 and 3");
    rig_tick(&rig, rig.now + 60 * NS_PER_MS);
    cr_expect_eq(rig.n_recalls, 2, "once");
    rig_return(&rig, rig_find(&rig, 0, 3));
    rig_return(&rig, rig_find(&rig, 0, 2));
    cr_assert_eq(rig_open_leases(&rig, 2), 2);
    cr_expect_eq(rig.leases[rig_find(&rig, 0, 3)].attempt, 1, "it never began");
    rig_run(&rig);
    cr_expect(rig.ended);
    rig_close(&rig);
}

Test(place, one_that_begins_nothing_gives_up_what_it_has)
{
    struct rig rig;
    rig_open(&rig, 10, NULL);
    rig_begin(&rig, 1000, 1000, UINT32_MAX);
    rig_worker(&rig, 2, 2, 4);
    cr_assert_eq(rig_open_leases(&rig, 1), 10);
    rig_tick(&rig, rig.now + 500 * NS_PER_MS);
    cr_expect_eq(rig.n_recalls, 0, "it may be about to");
    rig_tick(&rig, rig.now + 600 * NS_PER_MS);
    cr_expect_eq(rig.n_recalls, 2, "as many as slots idle: %zu", rig.n_recalls);
    struct core_worker_state state;
    core_worker_state(rig.core, 1, rig.now, &state);
    cr_expect_eq(state.leased, 10);
    cr_expect_gt(state.idle_ns, NS_PER_S);
    // It says that it lives, and no more.
    for (int i = 0; i < 40 && rig.n_drops == 0; i++) {
        rig_event(&rig, (struct event){.type = EV_WORKER_ALIVE, .worker = 1}, 0);
        rig_event(&rig, (struct event){.type = EV_WORKER_ALIVE, .worker = 2}, 0);
        rig_tick(&rig, rig.now + NS_PER_S);
    }
    cr_assert_eq(rig.n_drops, 1);
    for (size_t i = 0; i < rig.n_leases; i++)
        rig.leases[i].over |= rig.leases[i].worker == 1;
    rig_run(&rig);
    cr_expect(rig.ended);
    cr_expect_eq(rig.summary.ok, 10);
    rig_close(&rig);
}

Test(place, a_higher_priority_comes_first_and_before_what_waits)
{
    struct rig rig;
    struct plan plan;
    struct step step;
    rig_open(&rig, 10, NULL);
    rig_begin(&rig, 1, 2, UINT32_MAX);
    begun(&rig, rig_find(&rig, 0, 0));
    rig.plan.priority = 5;
    second_job(&rig, &plan, &step, 2, 0);
    rig.plan.priority = 0;
    rig_tick(&rig, rig.now + 60 * NS_PER_MS);
    cr_assert_eq(rig.n_recalls, 1);
    cr_expect_eq(rig.recalls[0].job, RIG_JOB);
    cr_expect_eq(rig.recalls[0].chunk, 1);
    rig_return(&rig, rig_find(&rig, 0, 1));
    cr_assert_neq(of_job(&rig, 2), SIZE_MAX);
    rig_answer(&rig, of_job(&rig, RIG_JOB), OUTCOME_OK, 0);
    cr_expect_eq(of_job(&rig, RIG_JOB), SIZE_MAX, "the urgent one has both places");
    rig_close(&rig);
}

Test(place, of_a_held_job_nothing_waits_at_workers)
{
    struct rig rig;
    rig_open(&rig, 10, NULL);
    rig_begin(&rig, 1, 3, UINT32_MAX);
    begun(&rig, rig_find(&rig, 0, 0));
    rig_event(&rig, (struct event){.type = EV_BLOCK, .job = RIG_JOB, .set_blocks = BLOCK_HELD}, 0);
    cr_assert_eq(rig.n_recalls, 2);
    rig_return(&rig, rig_find(&rig, 0, 1));
    rig_return(&rig, rig_find(&rig, 0, 2));
    rig_answer(&rig, rig_find(&rig, 0, 0), OUTCOME_OK, 0);
    cr_expect_eq(rig_any(&rig), SIZE_MAX);
    cr_expect_eq(progress(&rig, RIG_JOB).waits, WAIT_RELEASE);
    cr_expect_eq(progress(&rig, RIG_JOB).waiting, 9);
    rig_event(&rig, (struct event){.type = EV_BLOCK, .job = RIG_JOB}, 0);
    rig_run(&rig);
    cr_expect_eq(rig.summary.ok, 10);
    rig_close(&rig);
}

Test(place, a_need_that_failed_ends_the_job_unrun)
{
    struct rig rig;
    rig_open(&rig, 10, NULL);
    rig_worker(&rig, 1, 2, 4);
    struct event submit = {.type = EV_SUBMIT, .job = RIG_JOB};
    submit.plan = &rig.plan;
    submit.blocks = BLOCK_NEEDS;
    rig_event(&rig, submit, 0);
    rig_stream(&rig, UINT32_MAX);
    cr_expect_eq(rig.fed, 0, "its source is not read");
    cr_expect_eq(progress(&rig, RIG_JOB).waits, WAIT_NEEDS);
    rig_event(&rig, (struct event){.type = EV_NEED_FAILED, .job = RIG_JOB, .need_text = "so"}, 0);
    cr_assert(rig.ended);
    cr_expect_eq(rig.summary.fate, FATE_NEEDS);
    cr_expect_str_eq(rig.summary.text, "so");
    cr_expect_eq(rig.n_leases, 0);
    rig_close(&rig);
}

// Answers chunks of the first job until one of the second is leased.
static unsigned until_second(struct rig *rig, unsigned most)
{
    unsigned n = 0;
    for (; n < most && of_job(rig, 2) == SIZE_MAX; n++) {
        rig_event(rig, (struct event){.type = EV_WORKER_ALIVE, .worker = 1}, 0);
        rig_tick(rig, rig->now + 200 * NS_PER_MS);
        if (of_job(rig, 2) == SIZE_MAX)
            rig_answer(rig, of_job(rig, RIG_JOB), OUTCOME_OK, 0);
    }
    return n;
}

Test(place, a_chunk_of_many_cpus_does_not_starve)
{
    struct rig rig;
    struct plan plan;
    struct step step;
    rig_open(&rig, 100000, NULL);
    rig_begin(&rig, 4, 8, UINT32_MAX);
    rig.steps[0].cpus = 4;
    second_job(&rig, &plan, &step, 1, 0);
    rig.steps[0].cpus = 1;
    cr_expect_lt(until_second(&rig, 1000), 40);
    cr_expect_eq(rig_open_leases(&rig, 1) > 1, true, "others follow");
    rig_close(&rig);
}

Test(place, a_payload_over_the_workers_window_does_not_starve)
{
    struct rig rig;
    struct plan plan;
    struct step step;
    rig_open(&rig, 100000, NULL);
    rig_begin(&rig, 4, 8, UINT32_MAX);
    second_job(&rig, &plan, &step, 1, 3 << 20);
    cr_expect_lt(until_second(&rig, 1000), 40);
    rig_close(&rig);
}

Test(place, not_where_less_time_is_left_than_a_chunk_needs)
{
    struct rig rig;
    rig_open(&rig, 10, NULL);
    rig.steps[0].time_ns = 3600 * NS_PER_S;
    struct msg_register reg = {.name = "w", .slots = 2, .ends_in_ns = 600 * NS_PER_S};
    rig_event(&rig, (struct event){.type = EV_WORKER_UP, .worker = 1, .reg = &reg}, 0);
    rig_credit(&rig, 1, 4);
    rig_submit(&rig);
    rig_stream(&rig, UINT32_MAX);
    cr_expect_eq(rig.n_leases, 0);
    cr_expect_eq(progress(&rig, RIG_JOB).waits, WAIT_WORKER);
    cr_expect(strstr(said(&rig, RIG_JOB), "worker 1 ends in 10m00s, a chunk needs 1h00m"), "%s",
              said(&rig, RIG_JOB));
    rig_worker(&rig, 2, 2, 4);
    rig_run(&rig);
    cr_expect_eq(rig.summary.ok, 10);
    rig_close(&rig);
}

static void add_said(void *arg, uint32_t step, const char *text)
{
    (void)step;
    char *all = arg;
    size_t n = strlen(all);
    snprintf(all + n, 4096 - n, "%s\n", text);
}

static const char *said(const struct rig *rig, uint64_t job)
{
    static char all[4096];
    all[0] = '\0';
    core_explain(rig->core, job, add_said, all);
    return all;
}

Test(place, explain_names_what_the_nearest_worker_lacks)
{
    struct rig rig;
    rig_open(&rig, 10, NULL);
    rig.steps[0].cpus = 4;
    rig.steps[0].gpus = 2;
    rig.steps[0].memory_bytes = 8u << 20;
    struct msg_register near = {.slots = 4, .resources = {.gpus = 1000, .memory_bytes = 8u << 20}};
    struct msg_register far = {.slots = 1};
    rig_event(&rig, (struct event){.type = EV_WORKER_UP, .worker = 1, .reg = &near}, 0);
    rig_event(&rig, (struct event){.type = EV_WORKER_UP, .worker = 2, .reg = &far}, 0);
    rig_submit(&rig);
    rig_stream(&rig, UINT32_MAX);
    cr_expect_str_eq(said(&rig, RIG_JOB),
                     "step 1: no worker can ever run it: worker 1 has 1 gpu, 2 needed\n");
    rig_close(&rig);
}

Test(place, counts_add_up_at_any_moment)
{
    struct rig rig;
    rig_open(&rig, 50, NULL);
    rig.steps[1].chunking.n = 3;
    rig.plan.n_steps = 2;
    rig_begin(&rig, 2, 5, UINT32_MAX);
    while (!rig.ended) {
        struct core_progress p = progress(&rig, RIG_JOB);
        uint64_t first = rig.fed, later = 0;
        cr_assert_leq(p.running, 2);
        cr_assert_leq(p.leased + p.running, 5);
        later = p.waiting + p.leased + p.running + p.summary.ok;
        cr_assert_geq(later, first, "no chunk is missing");
        cr_assert_leq(later, first + first / 3 + 1, "none is counted twice");
        size_t at = rig_any(&rig);
        begun(&rig, at);
        rig_answer(&rig, at, OUTCOME_OK, 0);
    }
    cr_expect_eq(rig.summary.ok, 50 + 17);
    rig_close(&rig);
}
