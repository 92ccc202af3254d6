#include "peer.h"

#include "client/results.h"
#include "proto/record.h"

#define STREAM_ITEMS 8

// Records offset, offset + 1, ... of a stream, `n` of them, each of a body with its offset's digit.
static void say_records(struct peer *p, uint64_t stream, uint64_t offset, uint32_t n)
{
    struct buf body;
    buf_init(&body, 0);
    cr_assert_eq(records_put_head(&p->header, stream, offset, n), 0);
    for (uint32_t i = 0; i < n; i++) {
        char digit = (char)('0' + (offset + i) % 10);
        struct record_entry record = {.chunk = offset + i, .attempt = 1, .body_len = 1};
        cr_assert_eq(record_put(&p->header, &record), 0);
        buf_add(&body, &digit, 1);
    }
    peer_send(p, body.data, body.len);
    buf_done(&body);
}

static void expect_record(struct results *r, uint64_t offset)
{
    struct result_record record;
    cr_assert_eq(results_next(r, clock_after(loop_now(), NS_PER_S), &record), 1);
    cr_assert_eq(record.offset, offset);
    cr_assert_eq(record.bytes, 1);
    cr_assert_eq(record.n_parts, 1);
    cr_assert_eq(record.parts[0].data[0], '0' + offset % 10);
}

static struct results *open_results(struct peer *p, struct link *link, struct msg_open *ret)
{
    const struct results_options options = {.job = 5, .from = 0, .window_items = STREAM_ITEMS};
    struct results *r = NULL;
    struct msg_take take;
    cr_assert_eq(results_open(link, &options, &r), 0);
    peer_read(p, MSG_OPEN, ret);
    cr_assert_eq(ret->job, 5);
    cr_assert_eq(ret->from, 0);
    peer_read(p, MSG_TAKE, &take);
    cr_assert_eq(take.stream, ret->stream);
    cr_assert_eq(take.offset_end, STREAM_ITEMS);
    cr_assert_eq(take.bytes, 64 << 20);
    return r;
}

static void say_end(struct peer *p, uint64_t stream, int code)
{
    peer_say(p, MSG_END,
             &(struct msg_end){.stream = stream, .code = code, .job = {.id = 5, .ok = 3}});
}

static int credit_main(void *arg)
{
    struct peer p;
    struct msg_open open;
    struct msg_take take;
    struct result_record record;
    (void)arg;
    peer_open(&p);
    struct link *link = peer_link(&p);
    struct results *r = open_results(&p, link, &open);
    cr_assert_not(results_ready(r));
    cr_assert_eq(results_next(r, loop_now(), &record), -ETIMEDOUT);
    say_records(&p, open.stream, 0, 3);
    say_records(&p, open.stream + 100, 0, 1); // nobody's
    say_records(&p, open.stream, 3, 5);
    for (uint64_t i = 0; i < 3; i++)
        expect_record(r, i);
    peer_hears_nothing(&p); // less than half is used up
    cr_assert(results_ready(r));
    expect_record(r, 3);
    peer_read(&p, MSG_TAKE, &take);
    cr_assert_eq(take.taken, 4);
    cr_assert_eq(take.offset_end, 4 + STREAM_ITEMS);
    for (uint64_t i = 4; i < 8; i++)
        expect_record(r, i);
    peer_read(&p, MSG_TAKE, &take);
    cr_assert_eq(take.taken, 8);
    cr_assert_not(results_ready(r));
    // The end comes after all records, and stays.
    say_records(&p, open.stream, 8, 1);
    say_end(&p, open.stream, 0);
    expect_record(r, 8);
    for (int i = 0; i < 2; i++)
        cr_assert_eq(results_next(r, CLOCK_FOREVER, &record), 0);
    cr_assert_eq(results_job(r)->ok, 3);
    cr_assert_eq(results_close(r, CANCEL_RUNNING, loop_now()), 0, "nothing to wait for");
    link_close(link);
    peer_close(&p);
    return 0;
}

Test(results, credit_is_renewed_by_halves)
{
    cr_assert_eq(run_virtual(credit_main, NULL), 0);
}

// A record in three pieces, in two messages.
static int pieces_main(void *arg)
{
    struct peer p;
    struct msg_open open;
    struct result_record record;
    (void)arg;
    peer_open(&p);
    struct link *link = peer_link(&p);
    struct results *r = open_results(&p, link, &open);
    const struct record_entry piece = {.attempt = 1, .more = true, .body_len = 2};
    const struct record_entry last = {
        .attempt = 1, .body_len = 2, .item = (const uint8_t *)"in", .item_len = 2};
    records_put_head(&p.header, open.stream, 0, 2);
    record_put(&p.header, &piece);
    record_put(&p.header, &piece);
    peer_send(&p, "aabb", 4);
    cr_assert_eq(results_next(r, loop_now() + NS_PER_S, &record), -ETIMEDOUT);
    records_put_head(&p.header, open.stream, 0, 1);
    record_put(&p.header, &last);
    peer_send(&p, "cc", 2);
    cr_assert_eq(results_next(r, CLOCK_FOREVER, &record), 1);
    cr_assert_eq(record.n_parts, 3);
    cr_assert_eq(record.bytes, 6);
    cr_assert_eq(memcmp(record.parts[1].data, "bb", 2), 0);
    // What is counted outlives the stream.
    struct slice part = slice_ref(&record.parts[2]);
    struct slab *frame = slab_ref(record.frame);
    const uint8_t *item = record.head.item;
    say_end(&p, open.stream, -ESTALE);
    cr_assert_eq(results_next(r, CLOCK_FOREVER, &record), -ESTALE);
    results_close(r, CANCEL_NONE, loop_now());
    cr_assert_eq(memcmp(part.data, "cc", 2), 0);
    cr_assert_eq(memcmp(item, "in", 2), 0);
    slice_drop(&part);
    slab_unref(frame);
    link_close(link);
    peer_close(&p);
    return 0;
}

Test(results, a_record_may_come_in_pieces)
{
    cr_assert_eq(run_virtual(pieces_main, NULL), 0);
}

static int reopen_main(void *arg)
{
    struct peer p;
    struct msg_open open, again;
    struct msg_take take;
    struct result_record record;
    (void)arg;
    peer_open(&p);
    struct link *link = peer_link(&p);
    struct results *r = open_results(&p, link, &open);
    say_records(&p, open.stream, 0, 3);
    expect_record(r, 0);
    peer_breaks(&p, 1);
    // It goes on from the first one that was not taken; what was here already comes again.
    peer_read(&p, MSG_OPEN, &again);
    cr_assert_eq(again.stream, open.stream);
    cr_assert_eq(again.from, 1);
    peer_read(&p, MSG_TAKE, &take);
    cr_assert_eq(take.taken, 1);
    say_records(&p, open.stream, 0, 4);
    for (uint64_t i = 1; i < 4; i++)
        expect_record(r, i);
    // A hole is nonsense.
    say_records(&p, open.stream, 5, 1);
    cr_assert_eq(results_next(r, CLOCK_FOREVER, &record), -EPROTO);
    cr_assert_eq(link_check(link), -EPROTO);
    results_close(r, CANCEL_RUNNING, CLOCK_FOREVER); // nobody to wait for
    link_close(link);
    peer_close(&p);
    return 0;
}

Test(results, are_opened_again_after_a_break)
{
    cr_assert_eq(run_virtual(reopen_main, NULL), 0);
}

struct closing {
    struct results *r;
    int64_t deadline;
    int code;
};

static int closes(void *arg)
{
    struct closing *c = arg;
    c->code = results_close(c->r, CANCEL_KILL, c->deadline);
    return 0;
}

static int close_main(void *arg)
{
    struct peer p;
    struct msg_open open, again;
    struct msg_close close;
    struct msg_take take;
    struct group g;
    (void)arg;
    peer_open(&p);
    struct link *link = peer_link(&p);
    struct closing c = {.r = open_results(&p, link, &open), .deadline = CLOCK_FOREVER};
    group_open(&g);
    group_spawn(&g, "closes", closes, &c);
    peer_read(&p, MSG_CLOSE, &close);
    cr_assert_eq(close.stream, open.stream);
    cr_assert_eq(close.mode, CANCEL_KILL);
    say_records(&p, open.stream, 0, 2); // too late
    // A break meanwhile: both words are said again.
    peer_breaks(&p, 1);
    peer_read(&p, MSG_OPEN, &again);
    peer_read(&p, MSG_CLOSE, &close);
    say_end(&p, open.stream, 0);
    cr_assert_eq(group_wait(&g), 0);
    cr_assert_eq(c.code, 0);
    // One that does not end in time, and one whose coordinator is lost.
    c = (struct closing){open_results(&p, link, &open), loop_now() + NS_PER_S, 0};
    closes(&c);
    cr_assert_eq(c.code, -ETIMEDOUT);
    peer_read(&p, MSG_CLOSE, &close);
    c = (struct closing){open_results(&p, link, &open), CLOCK_FOREVER, 0};
    group_open(&g);
    group_spawn(&g, "closes", closes, &c);
    peer_read(&p, MSG_CLOSE, &close);
    peer_say(&p, MSG_BYE, &(struct msg_bye){.reason = "stopped"});
    cr_assert_eq(group_wait(&g), 0);
    cr_assert_eq(c.code, -EHOSTDOWN);
    (void)take;
    link_close(link);
    peer_close(&p);
    return 0;
}

Test(results, close_waits_for_the_end)
{
    cr_assert_eq(run_virtual(close_main, NULL), 0);
}
