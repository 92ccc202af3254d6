// Attendants: what a job waits for, and how it ends.
#include "post.h"

#define TO_FILE                                                                                    \
    "version: 1\nname: n\nsource: {range: 1..3}\nstages: [{command: [echo, '{}']}]\n"              \
    "sink: {file: /tmp/out}\n"
#define FROM_FILE                                                                                  \
    "version: 1\nname: n\nsource: {lines: /nowhere/in}\nstages: [{command: [echo, '{}']}]\n"

static struct {
    unsigned begun;
    unsigned killed;
    unsigned room;
    uint64_t job;
    unsigned needs;
    uint8_t session[PROTO_SESSION_BYTES];
} fake;

static int attend(void *arg, const struct attend_request *request, struct err *err)
{
    (void)arg;
    if (fake.begun == fake.room)
        return err_set(err, -EAGAIN, "enough");
    fake.begun++;
    fake.job = request->job;
    fake.needs = request->needs;
    memcpy(fake.session, request->session, sizeof(fake.session));
    return 0;
}

static void attend_kill(void *arg, uint64_t job)
{
    (void)arg, (void)job;
    fake.killed++;
}

#define ATTEND_TEST(name)                                                                          \
    static void name(void);                                                                        \
    Test(attending, name)                                                                          \
    {                                                                                              \
        const char *const none[] = {NULL};                                                         \
        fake.room = 2;                                                                             \
        with_server(&(struct server_options){.endpoints = none,                                    \
                                             .attend = attend,                                     \
                                             .attend_kill = attend_kill},                          \
                    name);                                                                         \
    }                                                                                              \
    static void name(void)

// The attendant of the job that was begun last comes as this peer.
static void comes(uint32_t peer)
{
    struct msg_hello m = {.version_min = 1, .version_max = 1, .software = "attendant"};
    memcpy(m.session, fake.session, sizeof(m.session));
    say(peer, MSG_HELLO, &m);
}

static int attends(uint32_t peer, uint64_t job, enum attend_what what, int code, const char *text)
{
    struct msg_attend m = {.request = 9, .job = job, .what = what, .code = code, .total = 3};
    struct msg_answer answered;
    snprintf(m.text, sizeof(m.text), "%s", text);
    say(peer, MSG_ATTEND, &m);
    if (!letter(peer, MSG_ANSWER))
        return INT_MIN;
    hear(peer, MSG_ANSWER, &answered);
    return answered.code;
}

static void reads(uint32_t peer, uint64_t job)
{
    say(peer, MSG_OPEN, &(struct msg_open){.stream = 1, .job = job});
    say(peer, MSG_TAKE,
        &(struct msg_take){.stream = 1, .offset_end = UINT64_MAX, .bytes = UINT64_MAX});
    turn();
}

static void run_all(uint32_t worker)
{
    for (turn(); answer(worker, OUTCOME_OK, "x", 1);)
        turn();
}

ATTEND_TEST(a_job_has_ended_when_its_sink_is_whole)
{
    struct job_info row;
    uint64_t first;
    hello(1, 1);
    worker_comes(9, 4);
    uint64_t job = submitted(1, TO_FILE, SUBMIT_DETACHED);
    cr_expect_eq(fake.begun, 1);
    cr_expect_eq(fake.needs, ATTEND_NEEDS_SINK);
    reads(1, job);
    run_all(9);
    cr_expect_eq(server_job_find(server, job)->summary.chunks, 0, "the sink is not open yet");
    comes(2);
    cr_expect_eq(attends(2, job, ATTEND_SINK, 0, ""), 0);
    reads(2, job);
    run_all(9);
    cr_expect_eq(hear_records(2, 1, &first), 3);
    cr_expect_eq(hear_end(2, 1, &row), 0, "it knows when it is to finish");
    cr_expect_eq(hear_records(1, 1, &first), 3);
    cr_expect_eq(hear_end(1, 1, &row), INT_MIN, "the file is not whole");
    cr_expect_not(server_job_find(server, job)->ended);
    cr_expect_eq(attends(2, job, ATTEND_WHOLE, 0, ""), 0);
    turn();
    cr_expect_eq(hear_end(1, 1, &row), 0);
    cr_expect_eq(row.phase, PHASE_ENDED);
    cr_expect_eq(row.fate, FATE_COMPLETE);
    say(2, MSG_BYE, &(struct msg_bye){0});
    turn();
    cr_expect_eq(server_job_find(server, job)->summary.fate, FATE_COMPLETE);
}

ATTEND_TEST(a_sink_that_cannot_be_written_fails_the_job)
{
    for (int when = 0; when < 3; when++) {
        fake.room = fake.begun + 1;
        hello(1, 1);
        worker_comes(9, 4);
        uint64_t job = submitted(1, TO_FILE, SUBMIT_DETACHED);
        comes(2);
        attends(2, job, ATTEND_SINK, when == 0 ? -ENOSPC : 0, "no room for it");
        reads(2, job);
        if (when == 2)
            run_all(9);
        if (when > 0)
            attends(2, job, ATTEND_WHOLE, -ENOSPC, "no room for it");
        for (turn(); answer(9, OUTCOME_CANCELLED, "", 0);)
            turn();
        const struct server_job *ended = server_job_find(server, job);
        cr_expect(ended->ended, "case %d", when);
        cr_expect_eq(ended->summary.fate, FATE_SINK, "case %d", when);
        cr_expect_str_eq(ended->summary.text, "no room for it");
        cr_expect_eq(ended->records.next, when == 2 ? 3 : 0, "results are kept");
    }
}

ATTEND_TEST(its_death_fails_the_job_with_the_reason)
{
    hello(1, 1);
    worker_comes(9, 4);
    uint64_t job = submitted(1, TO_FILE, SUBMIT_DETACHED);
    comes(2);
    attends(2, job, ATTEND_SINK, 0, "");
    server_attendant_died(server, job, "killed by SIGKILL");
    turn();
    const struct server_job *ended = server_job_find(server, job);
    cr_expect(ended->ended);
    cr_expect_eq(ended->summary.fate, FATE_SINK);
    cr_expect_not_null(strstr(ended->summary.text, "killed by SIGKILL"));
}

ATTEND_TEST(it_may_act_for_its_job_alone)
{
    struct msg_refuse refuse;
    struct job_info row;
    hello(1, 1);
    uint64_t other = submitted(1, NUMBERS, SUBMIT_DETACHED);
    uint64_t job = submitted(1, TO_FILE, SUBMIT_DETACHED);
    comes(2);
    cr_expect_eq(attends(2, other, ATTEND_SINK, 0, ""), -ENOENT);
    say(2, MSG_OPEN, &(struct msg_open){.stream = 1, .job = other});
    cr_expect_eq(hear_end(2, 1, &row), -ENOENT);
    cr_expect_eq(attends(2, job, ATTEND_SINK, 0, ""), 0);
    say(2, MSG_CONTROL, &(struct msg_control){.verb = VERB_FORGET, .last = UINT64_MAX});
    hear(2, MSG_REFUSE, &refuse);
    cr_expect_eq(refuse.code, -EACCES);
    say(1, MSG_ATTEND, &(struct msg_attend){.request = 1, .job = job, .what = ATTEND_WHOLE});
    hear(1, MSG_REFUSE, &refuse);
    cr_expect_eq(refuse.code, -EACCES, "nobody else is an attendant");
}

ATTEND_TEST(the_answer_waits_for_the_source)
{
    struct msg_submit s = {.request = 7, .flags = SUBMIT_DETACHED};
    struct msg_answer m;
    struct buf packed = {0};
    hello(1, 1);
    uint64_t like = submitted(1, NUMBERS, SUBMIT_DETACHED);
    struct plan *plan = server_job_find(server, like)->plan;
    plan->source.kind = SOURCE_LINES;
    cr_assert_eq(plan_pack(plan, &packed), 0);
    plan->source.kind = SOURCE_RANGE;
    for (int i = 0; i < 3; i++) {
        fake.room = fake.begun + 1;
        s.key[0] = (uint8_t)(i + 1);
        say_with(1, MSG_SUBMIT, &s, packed.data, packed.len);
        cr_expect_null(letter(1, MSG_ANSWER));
        comes(2);
        if (i == 0)
            attends(2, fake.job, ATTEND_SOURCE, -ENOENT, "no such file");
        else if (i == 1)
            attends(2, fake.job, ATTEND_SOURCE, 0, "");
        else
            pass_time(2 * ATTEND_ANSWER_NS);
        turn();
        hear(1, MSG_ANSWER, &m);
        cr_expect_eq(m.code, i == 0 ? -ENOENT : 0);
        cr_expect_eq(server_job_find(server, fake.job) == NULL, i == 0,
                     "a job that was refused is not there");
    }
    buf_done(&packed);
}

ATTEND_TEST(more_jobs_than_attendants_wait_for_one)
{
    hello(1, 1);
    uint64_t jobs[4];
    for (int i = 0; i < 4; i++)
        jobs[i] = submitted(1, TO_FILE, SUBMIT_DETACHED);
    cr_expect_eq(fake.begun, 2);
    char why[PROTO_TEXT_MAX];
    attending_explain(server_job_find(server, jobs[2]), why, sizeof(why));
    cr_expect_not_null(strstr(why, "waiting for an attendant"), "%s", why);
    struct msg_answer m;
    say(1, MSG_CONTROL,
        &(struct msg_control){.request = 5, .verb = VERB_KILL, .first = jobs[2], .last = jobs[2]});
    turn();
    hear(1, MSG_ANSWER, &m);
    cr_expect(server_job_find(server, jobs[2])->ended, "it never had one");
    fake.room++;
    server_attendant_died(server, jobs[0], "killed");
    cr_expect_eq(fake.job, jobs[3], "the next one that waits");
}

ATTEND_TEST(one_that_hangs_is_killed)
{
    struct msg_answer m;
    hello(1, 1);
    worker_comes(9, 4);
    uint64_t job = submitted(1, TO_FILE, SUBMIT_DETACHED);
    say(1, MSG_CONTROL,
        &(struct msg_control){.request = 5, .verb = VERB_CANCEL, .first = job, .last = job});
    turn();
    hear(1, MSG_ANSWER, &m);
    cr_expect_not(server_job_find(server, job)->ended, "its sink is to be put away");
    cr_expect_eq(fake.killed, 0);
    pass_time(ATTEND_GRACE_NS + NS_PER_S);
    cr_expect_eq(fake.killed, 1);
    cr_expect(server_job_find(server, job)->ended);
    cr_expect_eq(server_job_find(server, job)->summary.fate, FATE_CANCELLED);
}

ATTEND_TEST(a_file_that_is_to_stay_needs_no_run)
{
    hello(1, 1);
    worker_comes(9, 4);
    uint64_t job = submitted(1, TO_FILE, SUBMIT_DETACHED);
    comes(2);
    attends(2, job, ATTEND_SINK, ATTEND_SKIP, "");
    turn();
    const struct server_job *ended = server_job_find(server, job);
    cr_expect(ended->ended);
    cr_expect_eq(ended->summary.fate, FATE_COMPLETE);
    cr_expect_eq(ended->summary.chunks, 0);
}
