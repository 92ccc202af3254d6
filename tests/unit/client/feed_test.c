#include "peer.h"

#include "client/feed.h"
#include "proto/lease.h"

static void say_want(struct peer *p, uint64_t seq, uint64_t chunks)
{
    peer_say(
        p, MSG_WANT,
        &(struct msg_want){.job = 9, .seq = seq, .chunks = chunks, .bytes = 1 << 20, .slots = 2});
}

// The next FEED: its number, and the bytes of its chunks with '|' after each.
static void expect_feed(struct peer *p, uint64_t seq, const char *chunks)
{
    struct batch_reader reader;
    struct lease run;
    struct err err;
    uint64_t got;
    char text[256] = "";
    size_t len = 0, at = 0;
    const struct zmessage *m = peer_hear(p, MSG_FEED);
    batch_reader_init(&reader);
    cr_assert_eq(
        feed_get(&reader, m->header, m->header_len, m->body->data, m->body->len, &got, &run, &err),
        0, "%s", err.text);
    cr_assert_eq(got, seq);
    for (uint32_t i = 0; i < run.count; at += run.lens[i++])
        len += (size_t)snprintf(text + len, sizeof(text) - len, "%.*s|", (int)run.lens[i],
                                (const char *)run.body + at);
    cr_assert_str_eq(text, chunks);
    batch_reader_done(&reader);
}

static struct feed *pushed(struct link *link)
{
    struct feed *feed = NULL;
    cr_assert_eq(feed_open_pushed(link, 1, &feed), 0);
    feed->job = 9; // as the answer to its SUBMIT says
    return feed;
}

static int push_main(void *arg)
{
    struct peer p;
    struct msg_feed_end end;
    (void)arg;
    peer_open(&p);
    struct link *link = peer_link(&p);
    struct feed *feed = pushed(link);
    cr_assert_eq(feed_total(feed), UINT64_MAX);
    cr_assert_eq(feed_try_push(feed, "a", 1), 0);
    cr_assert_eq(feed_try_push(feed, "bc", 2), 0);
    peer_hears_nothing(&p); // nobody has asked
    say_want(&p, 1, 1);
    expect_feed(&p, 1, "a|");
    say_want(&p, 1, 1); // asked again, as after a break
    expect_feed(&p, 1, "a|");
    say_want(&p, 2, 10);
    expect_feed(&p, 2, "bc|");
    say_want(&p, 3, 10);
    peer_hears_nothing(&p); // nothing is here
    cr_assert_eq(feed_try_push(feed, "d", 1), 0);
    expect_feed(&p, 3, "d|"); // at once
    say_want(&p, 4, 10);
    feed_push_end(feed);
    cr_assert_eq(feed_try_push(feed, "e", 1), -EPIPE);
    peer_read(&p, MSG_FEED_END, &end);
    cr_assert_eq(end.code, 0);
    cr_assert_eq(end.seq, 4);
    say_want(&p, 4, 10);
    peer_read(&p, MSG_FEED_END, &end);
    feed_close(feed);
    say_want(&p, 5, 10); // of a job that is gone
    peer_hears_nothing(&p);
    cr_assert_eq(link_check(link), 0);
    link_close(link);
    peer_close(&p);
    return 0;
}

Test(feed, gives_what_was_pushed_when_it_is_wanted)
{
    cr_assert_eq(run_virtual(push_main, NULL), 0);
}

struct pusher {
    struct feed *feed;
    int pushed;
    int code;
};

static int pushes(void *arg)
{
    struct pusher *pusher = arg;
    while ((pusher->code = feed_push(pusher->feed, "x", 1)) == 0)
        pusher->pushed++;
    return 0;
}

static int room_main(void *arg)
{
    struct peer p;
    struct group g;
    struct pusher pusher = {0};
    const int codes[] = {-EPIPE, -EHOSTDOWN, -ECANCELED};
    (void)arg;
    for (int ending = 0; ending < 3; ending++) {
        peer_open(&p);
        struct link *link = peer_link(&p);
        pusher = (struct pusher){.feed = pushed(link)};
        group_open(&g);
        group_spawn(&g, "pushes", pushes, &pusher);
        task_sleep(1);
        cr_assert_eq(pusher.pushed, (int)FEED_PUSHED_ITEMS, "bounded");
        cr_assert_eq(feed_try_push(pusher.feed, "x", 1), -EAGAIN);
        say_want(&p, 1, 3);
        expect_feed(&p, 1, "x|x|x|");
        task_sleep(1);
        cr_assert_eq(pusher.pushed, (int)FEED_PUSHED_ITEMS + 3);
        // Whoever waits for room learns that there will be none.
        if (ending == 0)
            say_want(&p, 2, 0); // the job is over
        else if (ending == 1)
            peer_say(&p, MSG_BYE, &(struct msg_bye){.reason = "stopped"});
        else
            group_cancel(&g);
        int waited = group_wait(&g);
        cr_assert_eq(waited, 0);
        cr_assert_eq(pusher.code, codes[ending]);
        feed_close(pusher.feed);
        link_close(link);
        peer_close(&p);
    }
    return 0;
}

Test(feed, pushing_waits_for_room)
{
    cr_assert_eq(run_virtual(room_main, NULL), 0);
}

static int groups_main(void *arg)
{
    struct peer p;
    struct feed *feed = NULL;
    (void)arg;
    peer_open(&p);
    struct link *link = peer_link(&p);
    cr_assert_eq(feed_open_pushed(link, 2, &feed), 0);
    feed->job = 9;
    cr_assert_eq(feed_try_push(feed, "a", 1), 0);
    say_want(&p, 1, 4);
    peer_hears_nothing(&p); // a chunk that is not full waits for more
    cr_assert_eq(feed_try_push(feed, "b", 1), 0);
    struct batch_reader reader;
    struct lease run;
    struct err err;
    uint64_t seq;
    const struct zmessage *m = peer_hear(&p, MSG_FEED);
    batch_reader_init(&reader);
    cr_assert_eq(
        feed_get(&reader, m->header, m->header_len, m->body->data, m->body->len, &seq, &run, &err),
        0);
    cr_assert_eq(run.count, 1);
    cr_assert_eq(run.items_per_chunk, 2);
    cr_assert_eq(run.item_end, 2);
    batch_reader_done(&reader);
    feed_close(feed);
    link_close(link);
    peer_close(&p);
    return 0;
}

Test(feed, several_items_make_a_chunk)
{
    cr_assert_eq(run_virtual(groups_main, NULL), 0);
}

// A coordinator gets no other file of ours than those that the job names.
static int fetch_main(void *arg)
{
    struct peer p;
    struct msg_data data;
    (void)arg;
    peer_open(&p);
    struct link *link = peer_link(&p);
    struct feed *feed = pushed(link);
    const uint8_t nonsense[] = "not an extent";
    peer_say(&p, MSG_FETCH,
             &(struct msg_fetch){
                 .job = 9, .chunk = 2, .extent = nonsense, .extent_len = sizeof(nonsense)});
    peer_read(&p, MSG_DATA, &data);
    cr_assert_lt(data.code, 0);
    cr_assert_eq(data.chunk, 2);
    feed_close(feed);
    link_close(link);
    peer_close(&p);
    return 0;
}

Test(feed, fetch_is_bounded_by_the_source)
{
    cr_assert_eq(run_virtual(fetch_main, NULL), 0);
}
