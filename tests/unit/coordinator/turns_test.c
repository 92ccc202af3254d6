// No turn is long, however many jobs are kept, requests wait and workers are lost at once. What is
// measured is the CPU time of the turns alone; the bound is far above what they take and far below
// what they took when the work grew with the square of the number.
#include "post.h"

#include "async/task.h"
#include "coordinator/questions.h"

#define KEPT 10000u
#define BOUND_NS (400 * NS_PER_MS)
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SLOWER 10
#else
#define SLOWER 1
#endif

static void measured(void (*body)(void))
{
    with_server(&(struct server_options){.slow_turn_ns = BOUND_NS}, body);
}
#define TURN_TEST(name)                                                                            \
    static void name(void);                                                                        \
    Test(turns, name)                                                                              \
    {                                                                                              \
        measured(name);                                                                            \
    }                                                                                              \
    static void name(void)

// The turns between these two are measured.
static void measure(void)
{
    turn();
    task_yield();
    server->meter.longest_cpu_ns = 0;
}

static void expect_short(const char *what)
{
    turn();
    cr_expect_lt(server->meter.longest_cpu_ns, BOUND_NS * SLOWER, "%s: a turn took %lld ms", what,
                 (long long)(server->meter.longest_cpu_ns / NS_PER_MS));
}

static void submit_many(uint32_t peer, const char *yaml, unsigned n)
{
    uint64_t like = submitted(peer, yaml, SUBMIT_DETACHED);
    struct buf packed = {0};
    plan_pack(server_job_find(server, like)->plan, &packed);
    for (unsigned i = 1; i < n; i++) {
        struct msg_submit m = {.flags = SUBMIT_DETACHED};
        memcpy(m.key, &(uint64_t){server->next_job + 7000}, sizeof(uint64_t));
        say_with(peer, MSG_SUBMIT, &m, packed.data, packed.len);
    }
    buf_done(&packed);
}

static void end_all(uint32_t peer)
{
    say(peer, MSG_CONTROL,
        &(struct msg_control){.request = 1, .verb = VERB_KILL, .first = 1, .last = UINT64_MAX});
}

// Reads as a client does, until nothing more comes.
static void take_pages(uint32_t peer)
{
    do {
        for (struct letter *l; (l = letter(peer, MSG_INFO));) {
            struct info_reader r;
            struct err err;
            l->is_read = true;
            cr_assert_eq(info_open(&r, l->header.data, l->header.len, &err), 0);
            say(peer, MSG_TAKE, &(struct msg_take){.stream = r.request});
        }
        turn();
    } while (letter(peer, MSG_INFO));
}

TURN_TEST(requests_about_very_many_jobs)
{
    hello(1, 1);
    submit_many(1, NUMBERS, KEPT);
    measure();
    end_all(1);
    expect_short("cancel all");
    cr_assert_eq(HASH_CNT(hh, server->jobs), KEPT);
    for (const struct server_job *job = server->jobs; job; job = job->hh.next)
        cr_assert(job->ended);
    measure();
    for (int i = 0; i < 1000; i++)
        say(1, MSG_QUERY,
            &(struct msg_query){.request = 2, .what = i % 2 ? QUERY_EXPLAIN : QUERY_JOBS});
    for (int i = 0; i < 20; i++)
        say(1, MSG_QUERY, &(struct msg_query){.request = 3, .last = UINT64_MAX});
    take_pages(1);
    expect_short("many questions");
    measure();
    say(1, MSG_CONTROL,
        &(struct msg_control){.request = 4, .verb = VERB_FORGET, .first = 1, .last = UINT64_MAX});
    hello(2, 2);
    say(2, MSG_CONTROL,
        &(struct msg_control){.request = 4, .verb = VERB_FORGET, .first = 1, .last = UINT64_MAX});
    expect_short("forget all");
    cr_expect_eq(HASH_CNT(hh, server->jobs), 0);
}

// Whoever asks much waits for its own questions, and nobody else does.
SHELL_TEST(turns, a_flood_of_questions_is_the_flooders)
{
    struct msg_answer m;
    hello(1, 1);
    hello(2, 2);
    submit_many(1, NUMBERS, 200);
    while (letter(1, MSG_ANSWER))
        hear(1, MSG_ANSWER, &m);
    for (unsigned i = 0; i < QUESTIONS_MAX + 5; i++)
        say(1, MSG_QUERY,
            &(struct msg_query){.request = i, .what = QUERY_EXPLAIN, .last = UINT64_MAX});
    cr_expect_eq(letters(1, MSG_ANSWER), 5, "more than may wait");
    hear(1, MSG_ANSWER, &m);
    cr_expect_eq(m.code, -EBUSY);
    say(2, MSG_QUERY, &(struct msg_query){.request = 9, .last = 0});
    turn();
    cr_expect_eq(letters(1, MSG_INFO), QUESTION_PAGES, "it takes none");
    cr_expect_eq(letters(2, MSG_INFO), 1);
    say(1, MSG_TAKE, &(struct msg_take){.stream = 0, .taken = 1});
    turn();
    cr_expect_eq(letters(1, MSG_INFO), QUESTION_PAGES + 1);
    say(1, MSG_TAKE, &(struct msg_take){.stream = 77, .taken = 1}); // which was not sent
    turn();
    cr_expect_eq(letters(1, MSG_INFO), QUESTION_PAGES + 1);
}

#define WORKERS 6u
#define LEASED 65000u

TURN_TEST(several_workers_lost_at_once)
{
    struct core_stats s;
    hello(1, 1);
    for (unsigned i = 0; i < WORKERS; i++) {
        worker_comes(100 + i, 4);
        say(100 + i, MSG_CREDIT,
            &(struct msg_credit){.window_items = LEASED, .window_bytes = 1 << 30});
        submitted(1,
                  "version: 1\nsource: {range: 1..65000}\nchunk: {items: 1}\n"
                  "stages: [{kernel: identity}]\n",
                  SUBMIT_DETACHED);
    }
    turn();
    core_stats(server->core, &s);
    cr_assert_gt(s.leased, WORKERS * LEASED * 9 / 10);
    measure();
    for (unsigned i = 0; i < WORKERS; i++)
        say(100 + i, MSG_BYE, &(struct msg_bye){.reason = "the switch is broken"});
    expect_short("workers that leave");
    core_stats(server->core, &s);
    cr_expect_eq(s.leased, 0);
    cr_expect_eq(s.workers, 0);
}

TURN_TEST(several_workers_silent_at_once)
{
    struct core_stats s;
    hello(1, 1);
    for (unsigned i = 0; i < WORKERS; i++) {
        worker_comes(100 + i, 4);
        say(100 + i, MSG_CREDIT,
            &(struct msg_credit){.window_items = LEASED, .window_bytes = 1 << 30});
        submitted(1,
                  "version: 1\nsource: {range: 1..65000}\nchunk: {items: 1}\n"
                  "stages: [{kernel: identity}]\n",
                  SUBMIT_DETACHED);
    }
    measure();
    pass_time(PROTO_SILENCE_NS + NS_PER_S);
    expect_short("workers that are silent");
    core_stats(server->core, &s);
    cr_expect_eq(s.workers, 0);
}

TURN_TEST(very_many_streams)
{
    hello(1, 1);
    uint64_t job = submitted(1, NUMBERS, SUBMIT_DETACHED);
    for (uint64_t i = 1; i <= 1024; i++)
        say(1, MSG_OPEN, &(struct msg_open){.stream = i, .job = job});
    measure();
    for (int times = 0; times < 100; times++)
        for (uint64_t i = 1; i <= 1024; i++)
            say(1, MSG_TAKE, &(struct msg_take){.stream = i, .offset_end = 1000, .bytes = 1 << 20});
    for (uint64_t i = 0; i < 1000; i++)
        deliver(job, i, 10);
    expect_short("streams");
}
