#include "peer.h"

#include "client/requests.h"

// What a test's own task does while the main one waits.
struct beside {
    struct peer *peer;
    struct link *link;
    int64_t ends;
    int r;
    struct err err;
};

static int asks_for_jobs(void *arg)
{
    struct beside *b = arg;
    const struct msg_query query = {.what = QUERY_JOBS, .last = UINT64_MAX};
    b->r = link_query(b->link, &query, NULL, NULL, CLOCK_FOREVER, &b->err);
    return 0;
}

static int cancels(void *arg)
{
    struct beside *b = arg;
    uint64_t n = 0;
    const struct msg_control m = {.verb = VERB_CANCEL, .first = 1, .last = 3};
    b->r = link_control(b->link, &m, &n, clock_after(loop_now(), 10 * NS_PER_S), &b->err);
    b->ends = b->r == 0 ? (int64_t)n : 0;
    return 0;
}

static int answers_main(void *arg)
{
    struct peer p;
    struct msg_control m;
    struct group g;
    (void)arg;
    peer_open(&p);
    struct beside one = {.link = peer_link(&p)}, two = one;
    group_open(&g);
    group_spawn(&g, "one", cancels, &one);
    peer_read(&p, MSG_CONTROL, &m);
    uint64_t first = m.request;
    group_spawn(&g, "two", cancels, &two);
    peer_read(&p, MSG_CONTROL, &m);
    cr_assert_neq(m.request, first);
    // Answers go to those who asked, in whatever order they come; to nobody else.
    peer_say(&p, MSG_ANSWER, &(struct msg_answer){.request = m.request, .value = 2});
    peer_say(&p, MSG_ANSWER, &(struct msg_answer){.request = 12345, .value = 3});
    peer_say(&p, MSG_ANSWER,
             &(struct msg_answer){.request = first, .code = -EACCES, .text = "not yours"});
    cr_assert_eq(group_wait(&g), 0);
    cr_assert_eq(two.ends, 2);
    cr_assert_eq(one.r, -EACCES);
    cr_assert_str_eq(one.err.text, "not yours");
    // One that is not answered.
    group_open(&g);
    group_spawn(&g, "one", cancels, &one);
    peer_read(&p, MSG_CONTROL, &m);
    for (int i = 0; i < 20; i++) { // alive, but slow
        task_sleep(NS_PER_S);
        peer_say(&p, MSG_HEARTBEAT, &(struct msg_heartbeat){0});
    }
    cr_assert_eq(group_wait(&g), 0);
    cr_assert_eq(one.r, -ETIMEDOUT);
    link_close(one.link);
    struct msg_bye bye;
    peer_read(&p, MSG_BYE, &bye);
    peer_close(&p);
    return 0;
}

Test(link, requests_get_their_answers)
{
    cr_assert_eq(run_virtual(answers_main, NULL), 0);
}

static int break_main(void *arg)
{
    struct peer p;
    struct msg_control m, again;
    struct msg_hello hello;
    struct group g;
    (void)arg;
    peer_open(&p);
    struct beside b = {.link = peer_link(&p)};
    group_open(&g);
    group_spawn(&g, "asks", cancels, &b);
    peer_read(&p, MSG_CONTROL, &m);
    peer_breaks(&p, 1);
    // The question is asked again, and the answer of before the break would have done, too.
    peer_read(&p, MSG_CONTROL, &again);
    cr_assert_eq(again.request, m.request);
    peer_say(&p, MSG_ANSWER, &(struct msg_answer){.request = m.request, .value = 4});
    cr_assert_eq(group_wait(&g), 0);
    cr_assert_eq(b.ends, 4);
    // While it greets, it listens to nothing that is older.
    peer_say(&p, MSG_REFUSE, &(struct msg_refuse){.code = -ENOTCONN, .text = "who are you?"});
    peer_read(&p, MSG_HELLO, &hello);
    peer_say(&p, MSG_ANSWER, &(struct msg_answer){.request = 1});
    peer_say(&p, MSG_REFUSE, &(struct msg_refuse){.code = -ENOTCONN, .text = "who are you?"});
    peer_hears_nothing(&p);
    cr_assert_eq(link_check(b.link), 0);
    // Another epoch: its jobs are gone.
    group_open(&g);
    group_spawn(&g, "asks", asks_for_jobs, &b);
    peer_welcomes(&p, 2);
    cr_assert_eq(group_wait(&g), 0);
    cr_assert_eq(b.r, -ECONNRESET);
    cr_assert_eq(link_check(b.link), -ECONNRESET);
    cr_assert_not_null(strstr(link_trouble(b.link), "restarted"));
    link_close(b.link);
    peer_close(&p);
    return 0;
}

Test(link, comes_back_after_a_break)
{
    cr_assert_eq(run_virtual(break_main, NULL), 0);
}

static int silence_main(void *arg)
{
    struct peer p;
    struct group g;
    (void)arg;
    peer_open(&p);
    struct beside b = {.link = peer_link(&p)};
    group_open(&g);
    group_spawn(&g, "asks", asks_for_jobs, &b);
    peer_hear(&p, MSG_QUERY);
    int64_t begin = loop_now();
    // Asked whether it is still there, it answers four times; then never again.
    for (int i = 0; i < 4; i++) {
        peer_hear(&p, MSG_HEARTBEAT);
        peer_say(&p, MSG_HEARTBEAT, &(struct msg_heartbeat){0});
    }
    int64_t answered = loop_now();
    cr_assert_geq(answered - begin, 4 * 2 * NS_PER_S);
    cr_assert_eq(group_wait(&g), 0);
    cr_assert_eq(b.r, -EHOSTDOWN);
    cr_assert_geq(loop_now() - answered, LINK_SILENCE_NS);
    cr_assert_leq(loop_now() - answered, LINK_SILENCE_NS + 2 * NS_PER_S);
    link_close(b.link);
    peer_close(&p);
    return 0;
}

Test(link, notices_silence)
{
    cr_assert_eq(run_virtual(silence_main, NULL), 0);
}

static int refused_main(void *arg)
{
    struct peer p;
    const struct link_options options = {.endpoint = PEER_ENDPOINT};
    struct link *link = NULL;
    struct err err = {0};
    (void)arg;
    peer_open(&p);
    // Nobody answers.
    int64_t begin = loop_now();
    cr_assert_eq(link_open(p.transport, &options, &link, &err), -EHOSTDOWN);
    cr_assert_geq(loop_now() - begin, LINK_ANSWER_NS);
    cr_assert_leq(loop_now() - begin, LINK_ANSWER_NS + 2 * NS_PER_S);
    cr_assert_not_null(strstr(err.text, "no coordinator answers"));
    peer_close(&p);
    // What makes a link useless, and its code.
    const struct {
        enum msg_type type;
        const void *m;
        int code;
    } cases[] = {
        {MSG_REFUSE, &(struct msg_refuse){.code = -EACCES, .text = "no"}, -ECONNREFUSED},
        {MSG_REFUSE, &(struct msg_refuse){.code = -EPROTONOSUPPORT, .text = "old"},
         -EPROTONOSUPPORT},
        {MSG_BYE, &(struct msg_bye){.reason = "stopped"}, -EHOSTDOWN},
        {MSG_DRAIN, &(struct msg_drain){0}, -EPROTO},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        peer_open(&p);
        link = peer_link(&p);
        peer_say(&p, cases[i].type, cases[i].m);
        peer_hears_nothing(&p);
        cr_assert_eq(link_check(link), cases[i].code, "case %zu: %d", i, link_check(link));
        cr_assert(link_trouble(link)[0]);
        link_close(link);
        peer_close(&p);
    }
    return 0;
}

Test(link, says_why_it_is_over)
{
    cr_assert_eq(run_virtual(refused_main, NULL), 0);
}
