// Requests: SUBMIT, CONTROL, QUERY, STORE and NEED, and what is answered.
#include "post.h"

#define SUBMITTER (RIGHT_SUBMIT | RIGHT_LOOK)

#define FAILING                                                                                    \
    "version: 1\nsource: {range: 1..100}\nstages: [{command: [echo, '{}'], retries: 0}]\n"

static void control(uint32_t peer, enum verb verb, uint64_t first, uint64_t last,
                    struct msg_answer *ret)
{
    say(peer, MSG_CONTROL,
        &(struct msg_control){.request = 5, .verb = verb, .first = first, .last = last});
    turn();
    hear(peer, MSG_ANSWER, ret);
}

// A worker that answers all it gets; every chunk whose number is in `failing` fails.
static void run_all(uint32_t worker, int failing)
{
    turn();
    for (int i = 0; answer(worker, i == failing ? OUTCOME_EXIT : OUTCOME_OK, "x", 1); i++)
        turn();
}

SHELL_TEST(submit, the_same_key_is_the_same_job)
{
    struct msg_answer m;
    hello(1, 1);
    submit(1, NUMBERS, 0, 7, &m);
    cr_expect_eq(m.code, 0);
    uint64_t job = m.value;
    submit(1, NUMBERS, 0, 7, &m);
    cr_expect_eq(m.code, 0);
    cr_expect_eq(m.value, job);
    hello(2, 2);
    named(2, "other", SUBMITTER);
    submit(2, NUMBERS, 0, 7, &m);
    cr_expect_eq(m.code, -EEXIST, "a key reveals nothing about another user's job");
    cr_expect_eq(m.value, 0);
    cr_expect_eq(server->counts.jobs, 1);
}

SHELL_TEST(submit, what_is_not_taken)
{
    struct msg_answer m;
    struct msg_refuse refuse;
    const struct msg_submit s = {.request = 3};
    hello(1, 1);
    say_with(1, MSG_SUBMIT, &s, "rubbish", 7);
    hear(1, MSG_ANSWER, &m);
    cr_expect_eq(m.code, -EPROTO);
    cr_expect_neq(m.text[0], '\0');
    submit(1, "version: 1\nsource: {lines: '-'}\nstages: [{command: [cat]}]\n", SUBMIT_DETACHED, 4,
           &m);
    cr_expect_eq(m.code, -EINVAL, "whose standard input would it be?");
    submit(1, "version: 1\nsource: {lines: '/nowhere/at/all'}\nstages: [{command: [cat]}]\n", 0, 5,
           &m);
    cr_expect_eq(m.code, -ENOTSUP, "a file, and nobody who reads it");
    cr_expect_eq(server->counts.jobs, 0);
    say(1, MSG_SUBMIT, &s);
    hear(1, MSG_REFUSE, &refuse);
    cr_expect_eq(refuse.code, -EPROTO, "no plan");
}

SHELL_TEST(submit, its_own_time_is_over)
{
    struct msg_submit s = {.request = 3, .timeout_ns = 3 * NS_PER_S, .flags = SUBMIT_DETACHED};
    struct msg_answer m;
    hello(1, 1);
    uint64_t like = submitted(1, NUMBERS, SUBMIT_DETACHED);
    struct buf packed = {0};
    plan_pack(server_job_find(server, like)->plan, &packed);
    say_with(1, MSG_SUBMIT, &s, packed.data, packed.len);
    buf_done(&packed);
    hear(1, MSG_ANSWER, &m);
    cr_expect_eq(m.code, 0);
    pass_time(2 * NS_PER_S);
    cr_expect_not(server_job_find(server, m.value)->ended);
    pass_time(2 * NS_PER_S);
    cr_expect(server_job_find(server, m.value)->ended);
    cr_expect(server_job_find(server, m.value)->timed_out);
    cr_expect_not(server_job_find(server, like)->ended);
}

SHELL_TEST(submit, a_client_that_feeds)
{
    struct msg_want want;
    hello(1, 1);
    worker_comes(9, 4);
    uint64_t job = submitted(1, NUMBERS, SUBMIT_FEEDS);
    say(1, MSG_OPEN, &(struct msg_open){.stream = 1, .job = job});
    say(1, MSG_TAKE,
        &(struct msg_take){.stream = 1, .offset_end = UINT64_MAX, .bytes = UINT64_MAX});
    turn();
    hear(1, MSG_WANT, &want);
    cr_expect_eq(want.job, job);
    cr_expect_gt(want.chunks, 0);
    hello(2, 1); // it came back: the same WANT again
    struct msg_want again;
    hear(2, MSG_WANT, &again);
    cr_expect_eq(again.seq, want.seq);
    cr_expect_eq(again.chunks, want.chunks);
    say(2, MSG_FEED_END, &(struct msg_feed_end){.job = job, .seq = want.seq + 1});
    turn();
    cr_expect_not(server_job_find(server, job)->ended, "not what was asked");
    say(2, MSG_FEED_END, &(struct msg_feed_end){.job = job, .seq = want.seq});
    turn();
    cr_expect(server_job_find(server, job)->ended);
    hear(2, MSG_WANT, &again);
    cr_expect_eq(again.chunks, 0, "it stops feeding");
}

SHELL_TEST(submit, its_client_is_gone_for_good)
{
    hello(1, 1);
    uint64_t own = submitted(1, NUMBERS, 0);
    uint64_t detached = submitted(1, NUMBERS, SUBMIT_DETACHED);
    deafen(1, -EHOSTUNREACH, 0);
    pass_time(NS_PER_S); // a heartbeat finds out
    cr_expect_null(peer_at(1));
    cr_expect_not_null(server_job_find(server, own), "it may come back");
    pass_time(PROTO_SILENCE_NS + NS_PER_S);
    cr_expect_null(server_job_find(server, own));
    cr_expect_not_null(server_job_find(server, detached));
}

SHELL_TEST(submit, its_client_leaves_when_it_has_ended)
{
    struct msg_answer m;
    hello(1, 1);
    uint64_t job = submitted(1, NUMBERS, 0);
    control(1, VERB_KILL, job, job, &m);
    turn();
    cr_expect(server_job_find(server, job)->ended, "kept for its reader");
    say(1, MSG_BYE, &(struct msg_bye){0});
    cr_expect_null(server_job_find(server, job));
}

SHELL_TEST(requests, rule_ones_own_jobs)
{
    struct msg_answer m;
    hello(1, 1);
    named(1, "anna", SUBMITTER);
    hello(2, 2);
    named(2, "bert", SUBMITTER);
    hello(3, 3); // an admin
    uint64_t job = submitted(1, NUMBERS, SUBMIT_DETACHED);
    control(2, VERB_CANCEL, job, job, &m);
    cr_expect_eq(m.code, -EACCES);
    control(1, VERB_FORGET, job, job, &m);
    cr_expect_eq(m.code, -EBUSY, "it runs");
    control(1, VERB_CANCEL, job, job, &m);
    cr_expect_eq(m.code, 0);
    cr_expect_eq(m.value, 1);
    turn();
    control(1, VERB_CANCEL, job, job, &m);
    cr_expect_eq(m.value, 0, "it has ended already");
    control(1, VERB_CANCEL, 77, 88, &m);
    cr_expect_eq(m.code, -ENOENT);
    control(3, VERB_FORGET, 0, 0, &m);
    cr_expect_eq(m.code, 0);
    cr_expect_null(server_job_find(server, job));
}

// "all" are one's own, unless a user is named, or everybody.
SHELL_TEST(requests, all_are_ones_own)
{
    struct msg_control m = {.request = 5, .verb = VERB_KILL, .first = 1, .last = UINT64_MAX};
    struct msg_answer a;
    hello(1, 1);
    named(1, "anna", SUBMITTER);
    hello(2, 2);
    named(2, "bert", SUBMITTER);
    hello(3, 3); // an admin
    for (uint32_t peer = 1; peer <= 3; peer++)
        for (uint32_t i = 0; i < peer; i++)
            submitted(peer, NUMBERS, SUBMIT_DETACHED);
    say(1, MSG_CONTROL, &m);
    turn();
    hear(1, MSG_ANSWER, &a);
    cr_expect_eq(a.code, 0, "%s", a.text);
    cr_expect_eq(a.value, 1);
    say(3, MSG_CONTROL, &m);
    turn();
    hear(3, MSG_ANSWER, &a);
    cr_expect_eq(a.value, 3, "an admin's own, too");
    snprintf(m.name, sizeof(m.name), "bert");
    m.verb = VERB_CANCEL;
    say(1, MSG_CONTROL, &m);
    turn();
    hear(1, MSG_ANSWER, &a);
    cr_expect_eq(a.value, 0, "which she may not");
    say(3, MSG_CONTROL, &m);
    turn();
    hear(3, MSG_ANSWER, &a);
    cr_expect_eq(a.value, 2);
    m.verb = VERB_FORGET;
    snprintf(m.name, sizeof(m.name), "*");
    say(3, MSG_CONTROL, &m);
    turn();
    hear(3, MSG_ANSWER, &a);
    cr_expect_eq(a.value, 6);
    cr_expect_null(server->jobs);
}

SHELL_TEST(requests, what_failed_runs_again)
{
    struct msg_answer m;
    hello(1, 1);
    worker_comes(9, 100);
    uint64_t job = submitted(1, FAILING, SUBMIT_DETACHED);
    control(1, VERB_RETRY_FAILED, job, job, &m);
    cr_expect_eq(m.code, -EBUSY);
    run_all(9, 41);
    cr_expect(server_job_find(server, job)->ended);
    cr_expect_eq(server_job_find(server, job)->summary.failed, 1);
    control(1, VERB_RETRY_FAILED, job, job, &m);
    cr_expect_eq(m.code, 0, "%s", m.text);
    uint64_t again = m.value;
    cr_expect_neq(again, job);
    cr_expect_eq(server_job_find(server, again)->again.list[0].item_first, 41);
    run_all(9, -1);
    cr_expect(server_job_find(server, again)->ended);
    cr_expect_eq(server_job_find(server, again)->summary.ok, 1);
    control(1, VERB_RETRY_FAILED, again, again, &m);
    cr_expect_eq(m.code, -ENOENT, "nothing failed");
    control(1, VERB_RETRY, job, job, &m);
    cr_expect_eq(m.code, 0);
    run_all(9, -1);
    cr_expect_eq(server_job_find(server, m.value)->summary.ok, 100, "all of it");
}

SHELL_TEST(requests, workers_drain)
{
    struct msg_control drain = {.request = 5, .verb = VERB_DRAIN, .name = "w"};
    struct msg_answer m;
    hello(1, 1);
    named(1, "anna", SUBMITTER);
    hello(2, 2);
    worker_comes(8, 1);
    worker_comes(9, 1);
    say(1, MSG_CONTROL, &drain);
    hear(1, MSG_ANSWER, &m);
    cr_expect_eq(m.code, -EACCES);
    say(2, MSG_CONTROL, &drain);
    hear(2, MSG_ANSWER, &m);
    cr_expect_eq(m.value, 2);
    cr_expect_eq(letters(8, MSG_DRAIN), 1);
    snprintf(drain.name, sizeof(drain.name), "nobody");
    say(2, MSG_CONTROL, &drain);
    hear(2, MSG_ANSWER, &m);
    cr_expect_eq(m.code, -ENOENT);
}

static unsigned rows(uint32_t peer, enum query what)
{
    unsigned n = 0;
    bool more = true;
    say(peer, MSG_QUERY, &(struct msg_query){.request = 6, .what = what, .last = UINT64_MAX});
    turn();
    while (more) {
        struct letter *l = letter(peer, MSG_INFO);
        struct info_reader r;
        struct err err;
        union {
            struct job_info job;
            struct worker_info worker;
            struct line_info line;
            struct running_info running;
        } row;
        cr_assert_not_null(l);
        l->is_read = true;
        cr_assert_eq(info_open(&r, l->header.data, l->header.len, &err), 0);
        while (info_next(&r, &row, &err) == 1)
            n++;
        more = r.more;
        say(peer, MSG_TAKE, &(struct msg_take){.stream = 6});
        turn();
    }
    return n;
}

SHELL_TEST(requests, rows_as_many_as_there_are)
{
    hello(1, 1);
    worker_comes(9, 1);
    for (int i = 0; i < (int)PROTO_INFO_ROWS_MAX + 10; i++)
        submitted(1, NUMBERS, SUBMIT_DETACHED);
    cr_expect_eq(rows(1, QUERY_JOBS), PROTO_INFO_ROWS_MAX + 10);
    cr_expect_eq(rows(1, QUERY_WORKERS), 1);
    cr_expect_eq(rows(1, QUERY_EXPLAIN), PROTO_INFO_ROWS_MAX + 10, "a line for each step");
    cr_expect_gt(rows(1, QUERY_SERVICE), 10);
}

SHELL_TEST(requests, libraries_that_are_kept)
{
    struct msg_store store = {.request = 4};
    struct msg_need need;
    struct msg_library library;
    struct msg_answer m;
    hello(1, 1);
    worker_comes(9, 1);
    say_with(1, MSG_STORE, &store, "kernel", 6);
    hear(1, MSG_ANSWER, &m);
    cr_expect_eq(m.code, -EBADMSG, "it is not what its digest says");
    digest_bytes("kernel", 6, store.digest);
    say_with(1, MSG_STORE, &store, "kernel", 6);
    hear(1, MSG_ANSWER, &m);
    cr_expect_eq(m.code, 0);
    memcpy(need.digest, store.digest, sizeof(need.digest));
    say(9, MSG_NEED, &need);
    cr_expect_eq(letter(9, MSG_LIBRARY)->body.len, 6);
    hear(9, MSG_LIBRARY, &library);
    cr_expect_eq(library.code, 0);
    for (int i = 0; i < 1000; i++)
        say(9, MSG_NEED, &need);
    cr_expect_eq(letters(9, MSG_LIBRARY), 0, "it is on its way");
    for (int i = 0; i < 11; i++) {
        pass_time(NS_PER_S);
        say(9, MSG_HEARTBEAT, &(struct msg_heartbeat){0});
    }
    cr_expect_eq(letters(9, MSG_LIBRARY), 1, "once more, it may be needed");
    hear(9, MSG_LIBRARY, &library);
    need.digest[0]++;
    say(9, MSG_NEED, &need);
    hear(9, MSG_LIBRARY, &library);
    cr_expect_eq(library.code, -ENOENT);
}
