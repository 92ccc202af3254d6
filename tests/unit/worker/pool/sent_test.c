// What was sent to an executor and not answered yet.
#include "worker/pool/sent.h"

#include "tests/unit/worker/made.h"

Test(sent, serials_go_on_while_the_ring_turns_and_grows)
{
    struct pool_step *step = made_step(1);
    struct lease_copy *lease = made_lease(step, 0, 4);
    struct sent_ring ring = {0};
    sent_reset(&ring);
    cr_expect_eq(ring.next_serial, 1);
    for (uint64_t serial = 1; serial < 100; serial += 2) {
        cr_assert_eq(sent_reserve(&ring, 4), 0);
        sent_push(&ring, lease, 0, 4);
        cr_expect_eq(sent_first_serial(&ring), serial);
        for (int i = 0; i < 2; i++)
            lease_copy_unref(sent_pop(&ring).copy);
    }
    cr_expect_eq(ring.n, 100);
    cr_expect_eq(lease->refs, 101);
    for (uint32_t i = 0; i < ring.n; i++)
        cr_assert_eq(sent_at(&ring, i)->index, i % 4, "entry %u", i);
    cr_expect_eq(sent_find(&ring, 101), 0);
    cr_expect_eq(sent_find(&ring, 200), 99);
    cr_expect_eq(sent_find(&ring, 201), ring.n);
    cr_expect_eq(sent_find(&ring, 0), ring.n);
    sent_done(&ring);
    cr_expect_eq(lease->refs, 1);
    lease_copy_unref(lease);
    pool_step_unref(step);
}

Test(sent, a_ghost_stays_until_it_is_answered)
{
    struct pool_step *step = made_step(1);
    struct lease_copy *lease = made_lease(step, 0, 4);
    struct sent_ring ring = {0};
    sent_reset(&ring);
    cr_assert_eq(sent_reserve(&ring, 2), 0);
    sent_push(&ring, lease, 0, 2);
    sent_make_ghost(&ring, 0);
    cr_expect_eq(lease->refs, 2);
    cr_expect_eq(ring.n_ghosts, 1);
    cr_expect_null(sent_pop(&ring).copy);
    cr_expect_eq(ring.n_ghosts, 0);
    cr_expect_eq(ring.n, 1);
    sent_done(&ring);
    lease_copy_unref(lease);
    pool_step_unref(step);
}
