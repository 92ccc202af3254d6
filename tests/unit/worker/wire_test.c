// Frames between agent and executor: what goes in comes out, and lies are refused.
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "pipelines/run.h"
#include "worker/wire.h"

static struct wire_run run_of(uint32_t count, uint32_t body_len)
{
    return (struct wire_run){.serial = 5,
                             .job = 1,
                             .first = 10,
                             .items_per_chunk = 1,
                             .attempt = 2,
                             .count = count,
                             .kind = RUN_BYTES,
                             .body_len = body_len};
}

Test(wire, a_run_comes_back_as_it_was)
{
    struct buf out = {0};
    const uint32_t lens[] = {3, 0, 2};
    struct wire_run run = run_of(3, 5);
    struct wire_run_view view;
    cr_assert_eq(wire_put_run(&out, &run, lens, "abcde"), 0);
    cr_assert_eq(wire_get_run(out.data, out.len, &view), 0);
    cr_expect_eq(view.run.serial, 5);
    cr_expect_eq(view.run.first, 10);
    cr_expect_eq(view.run.attempt, 2);
    cr_expect_arr_eq(view.lens, lens, sizeof(lens));
    cr_expect_arr_eq(view.body, "abcde", 5);
    buf_done(&out);
}

Test(wire, a_result_comes_back_as_it_was)
{
    struct buf out = {0};
    const uint32_t lens[] = {1, 2};
    struct wire_result result = {.serial = 9,
                                 .ending.run_ns = 77,
                                 .ending.code = -3,
                                 .ending.outcome = 5,
                                 .error_len = 4,
                                 .stderr_len = 2,
                                 .n_lens = 2,
                                 .body_len = 3};
    struct wire_result_view view;
    cr_assert_eq(wire_put_result(&out, &result, "oops", "hm", lens, "xyz"), 0);
    cr_assert_eq(wire_get_result(out.data, out.len, &view), 0);
    cr_expect_eq(view.result.serial, 9);
    cr_expect_eq(view.result.ending.code, -3);
    cr_expect_arr_eq(view.error, "oops", 4);
    cr_expect_arr_eq(view.stderr_text, "hm", 2);
    cr_expect_arr_eq(view.lens, lens, sizeof(lens));
    cr_expect_arr_eq(view.body, "xyz", 3);
    buf_done(&out);
}

// Frames written in pieces of `piece` bytes come out whole and once.
static void read_in_pieces(size_t piece)
{
    struct buf out = {0};
    struct wire_reader reader;
    int ends[2];
    size_t skipped = 0, steps = 0;
    cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
    for (uint64_t i = 1; i <= 3; i++) {
        cr_assert_eq(wire_put_skipped(&out, i, 0), 0);
        cr_assert_eq(wire_put_step(&out, 1, 0, "packed", 6), 0);
    }
    wire_reader_init(&reader);
    for (size_t at = 0; at < out.len; at += piece) {
        size_t n = out.len - at < piece ? out.len - at : piece;
        cr_assert_eq(write(ends[1], out.data + at, n), (ssize_t)n);
        cr_assert_gt(wire_fill(&reader, ends[0]), 0);
        uint32_t type;
        uint8_t *frame;
        size_t len;
        while (wire_next(&reader, &type, &frame, &len) == 1) {
            struct wire_skipped one;
            if (type == WIRE_STEP) {
                steps++;
                continue;
            }
            cr_assert_eq(type, WIRE_SKIPPED);
            memcpy(&one, frame, sizeof(one));
            cr_expect_eq(one.serial, ++skipped);
        }
    }
    cr_expect_eq(skipped, 3);
    cr_expect_eq(steps, 3);
    cr_expect_eq(wire_fill(&reader, ends[0]), -EAGAIN);
    close(ends[1]);
    cr_expect_eq(wire_fill(&reader, ends[0]), 0);
    close(ends[0]);
    wire_reader_done(&reader);
    buf_done(&out);
}

Test(wire, frames_cut_anywhere_come_out_whole)
{
    for (size_t piece = 1; piece < 90; piece++)
        read_in_pieces(piece);
}

Test(wire, lying_lengths_are_refused)
{
    struct buf out = {0};
    const uint32_t lens[] = {1};
    struct wire_run run = run_of(1, 1);
    struct wire_run_view view;
    cr_assert_eq(wire_put_run(&out, &run, lens, "a"), 0);
    cr_expect_eq(wire_get_run(out.data, out.len - 1, &view), -EPROTO);
    struct wire_run *head = (struct wire_run *)(void *)out.data;
    head->count = 0;
    cr_expect_eq(wire_get_run(out.data, out.len, &view), -EPROTO);
    head->count = UINT32_MAX;
    cr_expect_eq(wire_get_run(out.data, out.len, &view), -EPROTO);
    head->count = 1;
    head->kind = RUN_KIND_COUNT;
    cr_expect_eq(wire_get_run(out.data, out.len, &view), -EPROTO);
    buf_clear(&out);
    struct wire_result result = {.body_len = 1};
    struct wire_result_view seen;
    cr_assert_eq(wire_put_result(&out, &result, "", "", NULL, "b"), 0);
    struct wire_result *said = (struct wire_result *)(void *)out.data;
    said->n_lens = UINT32_MAX;
    cr_expect_eq(wire_get_result(out.data, out.len, &seen), -EPROTO);
    said->n_lens = 0;
    said->body_len = UINT32_MAX;
    cr_expect_eq(wire_get_result(out.data, out.len, &seen), -EPROTO);
    buf_done(&out);
}

Test(wire, a_head_that_makes_no_sense_is_refused)
{
    const struct wire_head bad[] = {
        {0, 100}, {99, 100}, {WIRE_SKIPPED, 0}, {WIRE_RESULT, UINT32_MAX}, {WIRE_RESULT, 3}};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct wire_reader reader;
        int ends[2];
        uint32_t type;
        uint8_t *frame;
        size_t len;
        cr_assert_eq(pipe(ends), 0);
        wire_reader_init(&reader);
        cr_assert_eq(write(ends[1], &bad[i], sizeof(bad[i])), sizeof(bad[i]));
        cr_assert_gt(wire_fill(&reader, ends[0]), 0);
        cr_expect_eq(wire_next(&reader, &type, &frame, &len), -EPROTO, "head %zu", i);
        wire_reader_done(&reader);
        close(ends[0]);
        close(ends[1]);
    }
}
