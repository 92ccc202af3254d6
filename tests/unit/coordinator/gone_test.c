// Peers that are gone while something is done for them: dropping one only marks it, the end of the
// turn buries it. Whatever comes in one turn, nothing is used after it was freed (run it under a
// sanitizer) and no list keeps what is gone.
#include "post.h"

#include <stdlib.h>

#include "async/task.h"
#include "coordinator/client.h"

#define SUBMITTER (RIGHT_SUBMIT | RIGHT_LOOK)

static void open_stream(uint32_t peer, uint64_t stream, uint64_t job)
{
    say(peer, MSG_OPEN, &(struct msg_open){.stream = stream, .job = job});
    say(peer, MSG_TAKE, &(struct msg_take){.stream = stream, .offset_end = 1000, .bytes = 1 << 20});
}

static uint64_t an_ended_job(uint32_t peer, uint32_t flags)
{
    uint64_t job = submitted(peer, NUMBERS, flags);
    say(peer, MSG_CONTROL,
        &(struct msg_control){.request = 9, .verb = VERB_KILL, .first = job, .last = job});
    turn();
    cr_assert(server_job_find(server, job)->ended);
    return job;
}

// CLOSE of one's own ended job, the connection lost, and another connection of the same key that
// forgets everything, in one turn.
SHELL_TEST(gone, close_and_forget_in_one_turn)
{
    hello(1, 1);
    hello(2, 2);
    uint64_t detached = an_ended_job(1, SUBMIT_DETACHED);
    uint64_t own = an_ended_job(1, 0);
    open_stream(1, 1, detached);
    open_stream(1, 2, own);
    deafen(1, -EHOSTUNREACH, 0);
    say(1, MSG_CLOSE, &(struct msg_close){.stream = 2, .mode = CANCEL_RUNNING});
    say(2, MSG_CONTROL,
        &(struct msg_control){.request = 5, .verb = VERB_FORGET, .first = 1, .last = UINT64_MAX});
    turn();
    cr_expect_null(server_job_find(server, detached));
    cr_expect_null(peer_at(1));
}

SHELL_TEST(gone, close_and_query_in_one_turn)
{
    hello(1, 1);
    for (unsigned i = 0; i < PROTO_INFO_ROWS_MAX; i++)
        an_ended_job(1, SUBMIT_DETACHED);
    uint64_t own = an_ended_job(1, 0);
    open_stream(1, 2, own);
    deafen(1, -EHOSTUNREACH, 0);
    say(1, MSG_CLOSE, &(struct msg_close){.stream = 2, .mode = CANCEL_RUNNING});
    say(1, MSG_QUERY, &(struct msg_query){.request = 6, .last = UINT64_MAX});
    turn();
    cr_expect_null(peer_at(1));
    cr_expect(TAILQ_EMPTY(&server->asking));
}

#define PEERS 6u
#define WORKER 9u

static uint64_t seed;

static unsigned any(unsigned n)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(seed >> 33) % n;
}

static uint64_t any_job(void)
{
    return server->next_job
               ? server->next_job - any(server->next_job < 8 ? (unsigned)server->next_job : 8)
               : 1;
}

static void submit_any(uint32_t peer)
{
    static const char *const jobs[] = {
        NUMBERS, "version: 1\nsource: {range: 1..30}\nstages: [{kernel: identity}]\nsink: none\n"};
    static uint32_t request = 100000;
    struct msg_answer m;
    if (deafen_of(peer))
        return;
    submit(peer, jobs[any(2)], any(2) ? SUBMIT_DETACHED : 0, request++, &m);
}

static void say_any(uint32_t peer)
{
    uint64_t job = any_job(), last = any(3) ? job : UINT64_MAX;
    switch (any(10)) {
    case 0:
        submit_any(peer);
        return;
    case 1:
    case 2:
        open_stream(peer, any(4), job);
        return;
    case 3:
        say(peer, MSG_CLOSE, &(struct msg_close){.stream = any(4), .mode = any(4)});
        return;
    case 4:
        say(peer, MSG_TAKE,
            &(struct msg_take){
                .stream = any(4), .taken = any(40), .offset_end = 100, .bytes = 1 << 20});
        return;
    case 5:
    case 6:
        say(peer, MSG_QUERY,
            &(struct msg_query){
                .request = any(4), .what = any(QUERY_COUNT), .first = job, .last = last});
        return;
    case 7:
    case 8:
        say(peer, MSG_CONTROL,
            &(struct msg_control){
                .request = 5, .verb = any(VERB_DRAIN), .first = job, .last = last});
        return;
    default:
        if (any(4) == 0)
            say(peer, MSG_BYE, &(struct msg_bye){.reason = "any"});
        return;
    }
}

static void come(uint32_t peer)
{
    deafen(peer, 0, 0);
    hello(peer, peer % 4); // some take each other's session over
    if (peer % 2 && peer_at(peer))
        named(peer, "anna", SUBMITTER);
}

static void worker_does(void)
{
    switch (any(12)) {
    case 0:
        deafen(WORKER, 0, 0);
        worker_comes(WORKER, 4);
        return;
    case 1:
        deafen(WORKER, -EHOSTUNREACH, any(3));
        return;
    default:
        if (peer_at(WORKER) && peer_at(WORKER)->state == PEER_WORKER)
            answer(WORKER, any(5) ? OUTCOME_OK : OUTCOME_EXIT, "x", 1);
    }
}

// All that clients may say, in any order, and connections that are lost in the middle of it.
static void anything(void)
{
    for (int step = 0; step < 1500; step++) {
        uint32_t peer = 1 + any(PEERS);
        if (!peer_at(peer) || peer_at(peer)->gone)
            come(peer);
        if (any(15) == 0)
            deafen(peer, any(3) ? -EHOSTUNREACH : -EAGAIN, any(3));
        else if (any(10) == 0)
            deafen(peer, 0, 0);
        if (any(6) == 0)
            worker_does();
        else
            say_any(peer);
        if (any(4) == 0)
            turn();
        if (any(50) == 0)
            pass_time(NS_PER_S);
    }
    for (uint32_t peer = 1; peer <= PEERS; peer++)
        deafen(peer, -EHOSTUNREACH, 0);
    pass_time(2 * PROTO_SILENCE_NS);
    pass_time(2 * PROTO_SILENCE_NS);
    cr_expect_null(server->clients);
    cr_expect(TAILQ_EMPTY(&server->asking));
    cr_expect(TAILQ_EMPTY(&server->dirty));
    for (const struct server_job *job = server->jobs; job; job = job->hh.next)
        cr_expect(LIST_EMPTY(&job->readers));
}

Test(gone, anything_in_any_order)
{
    for (uint64_t i = 1; i <= 12; i++) {
        seed = i;
        with_server(&(struct server_options){.keep_jobs = 20, .spool_directory = "/tmp"}, anything);
    }
}
