// Leased chunks that wait in the pool.
#include "worker/pool/backlog.h"

#include "tests/unit/worker/made.h"

struct returned {
    struct msg_return runs[8];
    size_t n;
};

static void note(void *arg, const struct msg_return *run)
{
    struct returned *r = arg;
    r->runs[r->n++] = *run;
}

Test(backlog, a_copy_knows_where_each_payload_is)
{
    struct pool_step *step = made_step(1);
    struct lease_copy *copy = made_lease(step, 0, 4);
    cr_expect_eq(step->kernel_timeout_ns, 5);
    cr_expect_eq(lease_copy_bytes(copy, 0, 4), 10);
    cr_expect_eq(lease_copy_bytes(copy, 1, 3), 5);
    cr_expect_arr_eq(copy->lease.body + copy->offsets[2], "ccc", 3);
    lease_copy_unref(copy);
    pool_step_unref(step);
}

Test(backlog, slots_know_a_step_each_for_themselves)
{
    struct pool_step *step = made_step(1);
    pool_step_know(step, 69, true);
    pool_step_know(step, 3, true);
    cr_expect(pool_step_is_known(step, 69));
    cr_expect_not(pool_step_is_known(step, 68));
    pool_step_know(step, 69, false);
    cr_expect_not(pool_step_is_known(step, 69));
    cr_expect(pool_step_is_known(step, 3));
    pool_step_unref(step);
}

Test(backlog, what_comes_back_goes_first)
{
    struct pool_step *step = made_step(1);
    struct lease_copy *a = made_lease(step, 0, 4), *b = made_lease(step, 100, 2);
    struct backlog q;
    backlog_init(&q);
    cr_assert_eq(backlog_push(&q, a, 0, 4), 0);
    cr_assert_eq(backlog_push(&q, b, 0, 2), 0);
    backlog_drop(&q, 3);
    cr_assert_eq(backlog_push_front(&q, a, 1, 2), 0);
    cr_expect_eq(q.chunks, 4);
    cr_expect_eq(backlog_first(&q)->at, 1);
    backlog_drop(&q, 1);
    cr_expect_eq(backlog_first(&q)->at, 3);
    backlog_drop(&q, 1);
    cr_expect_eq(backlog_first(&q)->copy, b);
    backlog_drop(&q, 2);
    cr_expect_null(backlog_first(&q));
    cr_assert_eq(backlog_push(&q, b, 0, 1), 0);
    cr_expect_eq(q.chunks, 1);
    backlog_done(&q);
    lease_copy_unref(a);
    lease_copy_unref(b);
    pool_step_unref(step);
}

Test(backlog, a_job_s_chunks_are_given_back_and_no_others)
{
    struct pool_step *one = made_step(1), *two = made_step(2);
    struct lease_copy *a = made_lease(one, 10, 4), *b = made_lease(two, 0, 3);
    struct backlog q;
    backlog_init(&q);
    struct returned r = {0};
    backlog_push(&q, a, 0, 2);
    backlog_push(&q, b, 0, 3);
    backlog_push(&q, a, 2, 4);
    backlog_return(&q, 1, false, note, &r);
    cr_assert_eq(r.n, 2);
    cr_expect_eq(r.runs[0].first, 10);
    cr_expect_eq(r.runs[0].count, 2);
    cr_expect_eq(r.runs[1].first, 12);
    cr_expect_eq(q.chunks, 3);
    cr_expect_eq(backlog_first(&q)->copy, b);
    backlog_push(&q, b, 0, 1);
    cr_expect_eq(q.chunks, 4);
    backlog_return(&q, 0, true, NULL, NULL);
    cr_expect_eq(q.chunks, 0);
    lease_copy_unref(a);
    lease_copy_unref(b);
    pool_step_unref(one);
    pool_step_unref(two);
}

Test(backlog, neighbours_that_come_back_are_one_part)
{
    struct pool_step *step = made_step(1);
    struct lease_copy *a = made_lease(step, 0, 4);
    struct backlog q;
    backlog_init(&q);
    for (uint32_t i = 4; i-- > 0;)
        cr_assert_eq(backlog_push_front(&q, a, i, i + 1), 0);
    cr_expect_eq(q.chunks, 4);
    cr_expect_eq(backlog_first(&q)->at, 0);
    cr_expect_eq(backlog_first(&q)->end, 4);
    cr_expect_null(TAILQ_NEXT(backlog_first(&q), entry));
    backlog_done(&q);
    lease_copy_unref(a);
    pool_step_unref(step);
}

Test(backlog, a_step_s_chunks_move_in_their_order)
{
    struct pool_step *one = made_step(1), *two = made_step(2);
    struct lease_copy *a = made_lease(one, 10, 4), *b = made_lease(two, 0, 3);
    struct backlog from, to;
    struct returned r = {0};
    backlog_init(&from);
    backlog_init(&to);
    backlog_push(&from, a, 0, 2);
    backlog_push(&from, b, 0, 3);
    backlog_push(&from, a, 2, 4);
    backlog_move(&from, &to, one);
    cr_expect_eq(from.chunks, 3);
    cr_expect_eq(to.chunks, 4);
    backlog_return(&to, 0, true, note, &r);
    cr_assert_eq(r.n, 2);
    cr_expect_eq(r.runs[0].first, 10);
    cr_expect_eq(r.runs[1].first, 12);
    backlog_done(&from);
    lease_copy_unref(a);
    lease_copy_unref(b);
    pool_step_unref(one);
    pool_step_unref(two);
}
