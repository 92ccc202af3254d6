// What is kept of detached jobs: its bounds, who it belongs to, and what is said of what is gone;
// jobs whose results are not read.
#include "post.h"

#include <stdlib.h>

#include "coordinator/client.h"
#include "coordinator/job_row.h"
#include "coordinator/page_file.h"

#define SUBMITTER (RIGHT_SUBMIT | RIGHT_LOOK)
#define LARGE 100000u
#define UNREAD                                                                                     \
    "version: 1\nsource: {range: 1..100}\nchunk: {items: 1}\nstages: [{kernel: identity}]\n"
static uint8_t large[LARGE];

static void run_all(uint32_t worker, size_t len)
{
    turn();
    while (answer(worker, OUTCOME_OK, large, len))
        turn();
}

static void control(uint32_t peer, enum verb verb, uint64_t first, uint64_t last,
                    struct msg_answer *ret)
{
    while (letter(peer, MSG_ANSWER))
        letter(peer, MSG_ANSWER)->is_read = true;
    say(peer, MSG_CONTROL,
        &(struct msg_control){.request = 5, .verb = verb, .first = first, .last = last});
    turn();
    hear(peer, MSG_ANSWER, ret);
}

static void ask(uint32_t peer, uint64_t job, struct msg_answer *ret)
{
    while (letter(peer, MSG_ANSWER))
        letter(peer, MSG_ANSWER)->is_read = true;
    say(peer, MSG_QUERY, &(struct msg_query){.request = 6, .first = job, .last = job});
    turn();
    hear(peer, MSG_ANSWER, ret);
}

// ---- results that nobody reads

static void a_job_that_is_not_read(void)
{
    struct job_info row;
    struct msg_answer m;
    uint64_t first;
    hello(1, 1);
    worker_comes(9, 4);
    uint64_t other = submitted(1, UNREAD, SUBMIT_DETACHED);
    run_all(9, 10);
    cr_expect(server_job_find(server, other)->ended);
    uint64_t id = submitted(1, UNREAD, SUBMIT_DETACHED);
    const struct server_job *job = server_job_find(server, id);
    run_all(9, LARGE);
    cr_expect_not(job->ended);
    cr_expect(job->stalled);
    cr_expect_lt(job->records.next, 50, "no more is begun");
    server_job_row(job, &row);
    cr_expect_not_null(strstr(row.text, "stalled: its results fill the spool limit (1 MiB)"), "%s",
                       row.text);
    cr_expect_not_null(strstr(row.text, "fanmill results 2 --follow"), "%s", row.text);
    other = submitted(1, UNREAD, SUBMIT_DETACHED);
    run_all(9, 10);
    cr_expect(server_job_find(server, other)->ended, "others go on");
    // An observer makes no room, its owner does.
    hello(2, 2);
    named(2, "eve", RIGHT_LOOK);
    say(2, MSG_OPEN, &(struct msg_open){.stream = 1, .job = id});
    say(2, MSG_TAKE, &(struct msg_take){.stream = 1, .offset_end = 1000, .bytes = 1 << 30});
    turn();
    say(2, MSG_TAKE,
        &(struct msg_take){.stream = 1, .taken = 9, .offset_end = 1000, .bytes = 1 << 30});
    turn();
    cr_expect(job->stalled);
    say(1, MSG_OPEN, &(struct msg_open){.stream = 1, .job = id});
    say(1, MSG_TAKE, &(struct msg_take){.stream = 1, .offset_end = 1000, .bytes = 1 << 30});
    for (uint64_t taken = 0; !job->ended;) {
        turn();
        uint64_t n = hear_records(1, 1, &first);
        cr_assert_gt(n, 0, "after %d", (int)taken);
        taken += n;
        say(1, MSG_TAKE,
            &(struct msg_take){.stream = 1, .taken = taken, .offset_end = 1000, .bytes = 1 << 30});
        run_all(9, LARGE);
    }
    cr_expect_eq(job->records.next, 100);
    cr_expect_eq(job->summary.fate, FATE_COMPLETE);
    control(1, VERB_FORGET, id, id, &m);
    cr_expect_eq(m.code, 0);
}

static void it_obeys(void)
{
    struct msg_answer m;
    hello(1, 1);
    worker_comes(9, 4);
    for (int i = 0; i < 2; i++) {
        uint64_t id = submitted(1, UNREAD, SUBMIT_DETACHED);
        run_all(9, LARGE);
        cr_assert(server_job_find(server, id)->stalled);
        control(1, i ? VERB_KILL : VERB_CANCEL, id, id, &m);
        cr_expect_eq(m.code, 0);
        turn();
        cr_expect(server_job_find(server, id)->ended);
        control(1, VERB_FORGET, id, id, &m);
        cr_expect_eq(m.code, 0);
    }
    cr_expect_eq(server->room.memory, 0);
}

static void it_is_for_nobody(void)
{
    hello(1, 1);
    worker_comes(9, 4);
    uint64_t id = submitted(1, UNREAD "sink: none\n", SUBMIT_DETACHED);
    const struct server_job *job = server_job_find(server, id);
    run_all(9, LARGE);
    cr_expect(job->ended);
    cr_expect_eq(job->records.next, 100);
    cr_expect_lt(job->records.bytes, LARGE);
}

// Records without results are bounded, too.
static void what_says_nothing_counts(void)
{
    hello(1, 1);
    uint64_t id = submitted(1, UNREAD, SUBMIT_DETACHED);
    uint64_t none = submitted(1, UNREAD "sink: none\n", SUBMIT_DETACHED);
    const struct server_job *job = server_job_find(server, id);
    cr_expect_leq(job->granted, 200000);
    for (uint64_t i = 0; i < 40000; i++) {
        deliver(id, i, 0);
        deliver(none, i, 0);
    }
    cr_expect_gt(job->records.bytes, SERVER_SPOOL_MIN);
    cr_expect(job->stalled);
    job = server_job_find(server, none);
    cr_expect_leq(job->records.bytes, SERVER_SPOOL_MIN);
    cr_expect_gt(job->records.first, 0, "the oldest make room");
    cr_expect_not(job->stalled);
}

static const struct server_options small = {.spool_bytes = 1, .spool_directory = "/tmp"};
#define SMALL_TEST(name)                                                                           \
    Test(kept, name)                                                                               \
    {                                                                                              \
        with_server(&small, name);                                                                 \
    }
SMALL_TEST(a_job_that_is_not_read)
SMALL_TEST(it_obeys)
SMALL_TEST(it_is_for_nobody)
SMALL_TEST(what_says_nothing_counts)

// ---- jobs that have ended

static void nobodys_jobs_push_out_anothers(void)
{
    struct msg_answer m;
    struct job_info row;
    char words[PROTO_TEXT_MAX];
    hello(1, 1);
    named(1, "anna", SUBMITTER);
    hello(2, 2);
    named(2, "bert", SUBMITTER);
    worker_comes(9, 100);
    uint64_t berts = submitted(2, NUMBERS, SUBMIT_DETACHED);
    run_all(9, 1);
    for (int i = 0; i < 10; i++) {
        submitted(1, NUMBERS, SUBMIT_DETACHED);
        run_all(9, 1);
    }
    cr_expect_not_null(server_job_find(server, berts));
    cr_expect_eq(server->keeper.n_kept, 4);
    cr_expect_null(server_job_find(server, 8));
    cr_expect_not_null(server_job_find(server, 9), "the newest of hers");
    ask(1, 2, &m);
    cr_expect_eq(m.code, -ENOENT);
    cr_expect_not_null(strstr(m.text, "job 2 was dropped on 20"), "%s", m.text);
    cr_expect_not_null(strstr(m.text, "to make room (limit --keep-jobs 4)"), "%s", m.text);
    say(1, MSG_OPEN, &(struct msg_open){.stream = 1, .job = 3});
    cr_expect_eq(hear_end(1, 1, &row), -ENOENT);
    cr_expect_not_null(strstr(row.text, "job 3 was dropped on 20"), "%s", row.text);
    control(1, VERB_FORGET, 9, 9, &m);
    cr_expect_eq(m.code, 0);
    control(1, VERB_CANCEL, 9, 9, &m);
    cr_expect_eq(m.code, -ENOENT);
    cr_expect_not_null(strstr(m.text, "job 9 was forgotten on 20"), "%s", m.text);
    keeper_words(server, 77, words, sizeof(words));
    cr_expect_str_eq(words, "no such job: the last is 11");
    control(1, VERB_FORGET, 1, UINT64_MAX, &m);
    cr_expect_eq(m.code, 0, "%s", m.text);
    cr_expect_eq(m.value, 2, "all of one's own");
    cr_expect_not_null(server_job_find(server, berts));
}

Test(kept, nobodys_jobs_push_out_anothers)
{
    with_server(&(struct server_options){.keep_jobs = 4}, nobodys_jobs_push_out_anothers);
}

static void for_so_long(void)
{
    struct msg_answer m;
    hello(1, 1);
    worker_comes(9, 100);
    uint64_t id = submitted(1, NUMBERS, SUBMIT_DETACHED);
    run_all(9, 1);
    say(9, MSG_BYE, &(struct msg_bye){.reason = "done"});
    for (int i = 0; i < 59; i++) {
        pass_time(NS_PER_S);
        say(1, MSG_HEARTBEAT, &(struct msg_heartbeat){0});
    }
    cr_expect_not_null(server_job_find(server, id));
    pass_time(3 * NS_PER_S);
    cr_expect_null(server_job_find(server, id));
    ask(1, id, &m);
    cr_expect_not_null(strstr(m.text, "--keep-age 60s"), "%s", m.text);
    cr_expect_null(server->keeper.owners);
}

Test(kept, for_so_long)
{
    with_server(&(struct server_options){.keep_age_ns = 60 * NS_PER_S}, for_so_long);
}

static void so_many_bytes(void)
{
    hello(1, 1);
    for (uint64_t id = 1; id <= 20; id++) {
        struct msg_answer m;
        submitted(1, NUMBERS, SUBMIT_DETACHED);
        for (uint64_t i = 0; i < 9; i++)
            deliver(id, i, 1 << 20);
        control(1, VERB_KILL, id, id, &m);
        turn();
        cr_assert(!server_job_find(server, id) || server_job_find(server, id)->ended);
    }
    cr_expect_leq(server->keeper.kept_bytes, 64u << 20);
    cr_expect_geq(server->keeper.n_kept, 6);
    cr_expect_lt(server->room.memory, 1 << 20, "none of it is in memory");
    cr_expect_geq(page_file_bytes(server->room.file), 50u << 20);
    cr_expect_leq(page_file_bytes(server->room.file), 64u << 20);
}

Test(kept, so_many_bytes)
{
    with_server(&(struct server_options){.keep_bytes = 64 << 20, .spool_directory = "/tmp"},
                so_many_bytes);
}

// Ten thousand jobs of one user wait; another's begins all the same.
SHELL_TEST(kept, nobodys_jobs_keep_anothers_out)
{
    struct msg_answer m = {0};
    struct buf packed = {0};
    hello(1, 1);
    named(1, "anna", SUBMITTER);
    hello(2, 2);
    named(2, "bert", SUBMITTER);
    uint64_t like = submitted(1, NUMBERS, SUBMIT_DETACHED);
    plan_pack(server_job_find(server, like)->plan, &packed);
    for (uint64_t i = 1; i <= SERVER_JOBS_MAX; i++) {
        struct msg_submit submit = {.flags = SUBMIT_DETACHED, .request = i};
        memcpy(submit.key, &(uint64_t){i + 7000}, sizeof(uint64_t));
        say_with(1, MSG_SUBMIT, &submit, packed.data, packed.len);
    }
    buf_done(&packed);
    cr_expect_eq(HASH_CNT(hh, server->jobs), SERVER_JOBS_MAX);
    while (letters(1, MSG_ANSWER) > 1)
        letter(1, MSG_ANSWER)->is_read = true;
    hear(1, MSG_ANSWER, &m);
    cr_expect_eq(m.code, -EBUSY);
    cr_expect_not_null(strstr(m.text, "10000 of your jobs"), "%s", m.text);
    submit(2, NUMBERS, SUBMIT_DETACHED, 3, &m);
    cr_expect_eq(m.code, 0, "%s", m.text);
}
