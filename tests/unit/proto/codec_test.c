// What the codec promises beyond the bytes of samples.h.
#include <criterion/criterion.h>
#include <errno.h>

#include "proto/client.h"

Test(codec, failure_leaves_everything_as_it_was)
{
    struct buf h;
    struct err err;
    struct msg_credit credit = {4, 1 << 20};
    struct msg_step step = {1, 0, (const uint8_t *)"", PROTO_STEP_MAX + 1};
    buf_init(&h, 0);
    msg_put(&h, MSG_CREDIT, &credit);
    size_t len = h.len;
    cr_assert_eq(msg_put(&h, MSG_STEP, &step), -ENOBUFS);
    cr_assert_eq(h.len, len);
    credit.window_items = 5;
    cr_assert_eq(msg_get(h.data, h.len - 1, MSG_CREDIT, &credit, &err), -EPROTO);
    cr_assert_eq(msg_get(h.data, h.len, MSG_ACK, &credit, &err), -EPROTO, "another message");
    cr_assert_eq(credit.window_items, 5);
    buf_done(&h);
}

Test(codec, a_cancel_is_written_less_one_and_a_close_as_it_is)
{
    struct buf h;
    struct err err;
    buf_init(&h, 0);
    for (unsigned mode = CANCEL_QUEUED; mode <= CANCEL_KILL; mode++) {
        struct msg_cancel cancel = {1, mode};
        buf_clear(&h);
        msg_put(&h, MSG_CANCEL, &cancel);
        cr_assert_eq(h.data[h.len - 1], mode - 1);
        cr_assert_eq(msg_get(h.data, h.len, MSG_CANCEL, &cancel, &err), 0);
        cr_assert_eq(cancel.mode, mode);
        struct msg_close close = {1, mode};
        buf_clear(&h);
        msg_put(&h, MSG_CLOSE, &close);
        cr_assert_eq(h.data[h.len - 1], mode);
    }
    buf_done(&h);
}

Test(codec, equal_lengths_are_written_once)
{
    struct buf h, b;
    buf_init(&h, 0);
    buf_init(&b, 0);
    static uint32_t lens[PROTO_RUN_CHUNKS_MAX];
    static uint8_t body[16 * PROTO_RUN_CHUNKS_MAX];
    for (size_t i = 0; i < PROTO_RUN_CHUNKS_MAX; i++)
        lens[i] = 16;
    struct batch_writer w;
    lease_batch_begin(&w, &h, &b, 1);
    cr_assert_eq(lease_batch_add(&w, &(struct lease){.attempt = 1,
                                                     .kind = 1,
                                                     .count = PROTO_RUN_CHUNKS_MAX,
                                                     .lens = lens,
                                                     .body = body,
                                                     .body_len = sizeof(body)}),
                 0);
    lease_batch_end(&w);
    cr_assert_lt(h.len, 64);
    struct batch_reader r;
    struct lease lease;
    struct err err;
    batch_reader_init(&r);
    cr_assert_eq(lease_batch_open(&r, h.data, h.len, b.data, b.len, &err), 0);
    cr_assert_eq(lease_batch_next(&r, &lease, &err), 1);
    cr_assert_eq(lease.lens[PROTO_RUN_CHUNKS_MAX - 1], 16);
    cr_assert_eq(lease.body_len, sizeof(body));
    cr_assert_eq(lease_batch_next(&r, &lease, &err), 0);
    batch_reader_done(&r);
    buf_done(&h);
    buf_done(&b);
}

Test(codec, names_are_known)
{
    cr_assert_str_eq(msg_name(MSG_LEASE), "LEASE");
    cr_assert_str_eq(msg_name(99), "of no known form");
    cr_assert_str_eq(outcome_name(OUTCOME_NOT_RUNNABLE), "not-runnable");
    cr_assert_str_eq(outcome_name((enum outcome)99), "?");
    cr_assert_eq(msg_type_of("\x91\xcc\xff", 3), 255);
    cr_assert_eq(msg_type_of("", 0), -EPROTO);
}
