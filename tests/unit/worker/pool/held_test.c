// Leases that wait in the pool.
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "pipelines/plan.h"
#include "worker/pool/held.h"

static struct pool_step *step_of(uint64_t job)
{
    struct stage stage = {.kind = STAGE_KERNEL, .function = strdup("noop"), .timeout_ns = 5};
    struct step spec = {.stages = &stage, .n_stages = 1, .cpus = 1, .retry = {.backoff = 1}};
    struct plan plan = {
        .name = strdup("t"), .directory = strdup("/"), .steps = &spec, .n_steps = 1};
    struct buf packed = {0};
    struct pool_step *step = NULL;
    struct err err = {0};
    cr_assert_eq(plan_pack_step(&plan, 0, NULL, &packed), 0);
    const struct msg_step message = {
        .job = job, .step = 0, .packed = packed.data, .packed_len = packed.len};
    cr_assert_eq(pool_step_new(&message, 70, &step, &err), 0, "%s", err.text);
    buf_done(&packed);
    free(stage.function);
    free(plan.name);
    free(plan.directory);
    return step;
}

static struct held *held_of(struct pool_step *step, uint64_t first, uint32_t count)
{
    static const uint32_t lens[] = {1, 2, 3, 4};
    struct lease lease = {.job = step->job,
                          .attempt = 1,
                          .first = first,
                          .count = count,
                          .kind = 1,
                          .lens = lens,
                          .body = (const uint8_t *)"abbcccdddd",
                          .body_len = 10};
    struct held *held = NULL;
    cr_assert_leq(count, 4);
    lease.body_len = count * (count + 1) / 2;
    cr_assert_eq(held_new(step, &lease, &held), 0);
    return held;
}

struct returned {
    struct msg_return runs[8];
    size_t n;
};

static void note(void *arg, const struct msg_return *run)
{
    struct returned *r = arg;
    r->runs[r->n++] = *run;
}

Test(held, a_copy_knows_where_each_payload_is)
{
    struct pool_step *step = step_of(1);
    struct held *held = held_of(step, 0, 4);
    cr_expect_eq(step->kernel_timeout_ns, 5);
    cr_expect_eq(held_bytes(held, 0, 4), 10);
    cr_expect_eq(held_bytes(held, 1, 3), 5);
    cr_expect_arr_eq(held->lease.body + held->offsets[2], "ccc", 3);
    held_unref(held);
    pool_step_unref(step);
}

Test(held, slots_know_a_step_each_for_themselves)
{
    struct pool_step *step = step_of(1);
    pool_step_know(step, 69, true);
    pool_step_know(step, 3, true);
    cr_expect(pool_step_is_known(step, 69));
    cr_expect_not(pool_step_is_known(step, 68));
    pool_step_know(step, 69, false);
    cr_expect_not(pool_step_is_known(step, 69));
    cr_expect(pool_step_is_known(step, 3));
    pool_step_unref(step);
}

Test(held, what_comes_back_goes_first)
{
    struct pool_step *step = step_of(1);
    struct held *a = held_of(step, 0, 4), *b = held_of(step, 100, 2);
    struct held_queue q = {0};
    cr_assert_eq(held_queue_push(&q, a, 0, 4), 0);
    cr_assert_eq(held_queue_push(&q, b, 0, 2), 0);
    held_queue_drop(&q, 3);
    cr_assert_eq(held_queue_push_front(&q, a, 1, 2), 0);
    cr_expect_eq(q.chunks, 4);
    cr_expect_eq(q.first->at, 1);
    held_queue_drop(&q, 1);
    cr_expect_eq(q.first->at, 3);
    held_queue_drop(&q, 1);
    cr_expect_eq(q.first->held, b);
    held_queue_drop(&q, 2);
    cr_expect_null(q.first);
    cr_expect_null(q.last);
    cr_assert_eq(held_queue_push(&q, b, 0, 1), 0);
    cr_expect_eq(q.chunks, 1);
    held_queue_done(&q);
    held_unref(a);
    held_unref(b);
    pool_step_unref(step);
}

Test(held, a_job_s_chunks_are_given_back_and_no_others)
{
    struct pool_step *one = step_of(1), *two = step_of(2);
    struct held *a = held_of(one, 10, 4), *b = held_of(two, 0, 3);
    struct held_queue q = {0};
    struct returned r = {0};
    held_queue_push(&q, a, 0, 2);
    held_queue_push(&q, b, 0, 3);
    held_queue_push(&q, a, 2, 4);
    held_queue_return(&q, 1, false, note, &r);
    cr_assert_eq(r.n, 2);
    cr_expect_eq(r.runs[0].first, 10);
    cr_expect_eq(r.runs[0].count, 2);
    cr_expect_eq(r.runs[1].first, 12);
    cr_expect_eq(q.chunks, 3);
    cr_expect_eq(q.last, q.first);
    held_queue_push(&q, b, 0, 1);
    cr_expect_eq(q.chunks, 4);
    held_queue_return(&q, 0, true, NULL, NULL);
    cr_expect_eq(q.chunks, 0);
    held_unref(a);
    held_unref(b);
    pool_step_unref(one);
    pool_step_unref(two);
}
