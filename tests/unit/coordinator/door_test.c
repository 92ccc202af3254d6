// The way in: which peer may send what and when, and what becomes of peers that are refused, lost
// or replaced.
#include "post.h"

#include "coordinator/client.h"

#define W (1u << PEER_WORKER)
#define C (1u << PEER_WELCOMED | 1u << PEER_CLIENT)
#define LOOK (RIGHT_SUBMIT | RIGHT_LOOK)
#define ANY 15u

// The rules in words of their own; a type that is not here is the coordinator's.
static const struct {
    enum msg_type type;
    unsigned states;
    unsigned rights; // one of them is enough
} rules[] = {
    {MSG_REGISTER, 1u << PEER_WELCOMED, RIGHT_WORK},
    {MSG_CREDIT, W, RIGHT_WORK},
    {MSG_RESULT, W, RIGHT_WORK},
    {MSG_RETURN, W, RIGHT_WORK},
    {MSG_DRAIN, W, RIGHT_WORK},
    {MSG_NEED, W, RIGHT_WORK},
    {MSG_SUBMIT, C, RIGHT_SUBMIT},
    {MSG_STORE, C, RIGHT_SUBMIT},
    {MSG_FEED, C, RIGHT_SUBMIT},
    {MSG_FEED_END, C, RIGHT_SUBMIT},
    {MSG_DATA, C, RIGHT_SUBMIT},
    {MSG_CONTROL, C, RIGHT_SUBMIT},
    {MSG_OPEN, C, LOOK},
    {MSG_TAKE, C, LOOK},
    {MSG_CLOSE, C, LOOK},
    {MSG_QUERY, C, LOOK},
    {MSG_HEARTBEAT, C | W, ANY},
    {MSG_BYE, C | W, ANY},
};

enum fate { FORBIDDEN, UNEXPECTED, HANDLED };

static enum fate expected(int type, enum peer_state state, unsigned rights)
{
    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
        if ((int)rules[i].type == type) {
            if (!(rules[i].rights & rights))
                return FORBIDDEN;
            return rules[i].states & (1u << state) ? HANDLED : UNEXPECTED;
        }
    return FORBIDDEN;
}

static void peer_in(uint32_t address, enum peer_state state, unsigned rights)
{
    const struct zmessage m = {.peer = address};
    const struct pass pass = {.rights = rights};
    struct peer *peer = peer_new(&server->ports[0], &m, &pass);
    memcpy(peer->session, &address, sizeof(address));
    peer->state = state;
    if (state == PEER_CLIENT)
        cr_assert_not_null(client_new(peer));
}

// What became of a message that is a type and nothing else.
static enum fate fate_of(uint32_t address, int type)
{
    const uint8_t header[] = {0x91, (uint8_t)type};
    struct msg_refuse refuse;
    say_raw(address, header, sizeof(header));
    if (!letter(address, MSG_REFUSE))
        return HANDLED;
    hear(address, MSG_REFUSE, &refuse);
    cr_expect(peer_at(address)->gone, "a refused peer is gone");
    if (strncmp(refuse.text, "its role does not permit ", 25) == 0) {
        cr_expect_eq(refuse.code, -EACCES);
        cr_expect_str_eq(refuse.text + 25, msg_name(type));
        return FORBIDDEN;
    }
    cr_expect_eq(refuse.code, -EPROTO);
    if (strncmp(refuse.text, "unexpected message ", 19) != 0)
        return HANDLED; // and found to be bad
    cr_expect_str_eq(refuse.text + 19, msg_name(type));
    return UNEXPECTED;
}

SHELL_TEST(door, every_message_in_every_state_with_every_right)
{
    uint32_t address = 0;
    for (int type = MSG_WELCOME; type <= MSG_LIBRARY; type++)
        for (enum peer_state state = PEER_NEW; state < PEER_STATES; state++) {
            for (unsigned rights = 0; rights <= ANY; rights++) {
                peer_in(++address, state, rights);
                enum fate fate = fate_of(address, type);
                cr_expect_eq(fate, expected(type, state, rights), "%s in state %d with %u: %d",
                             msg_name(type), state, rights, fate);
            }
            turn();
        }
    cr_expect_gt(server->counts.forbidden, 0);
}

SHELL_TEST(door, no_message_at_all)
{
    struct msg_refuse refuse;
    hello(1, 1);
    say_raw(1, "rubbish", 7);
    hear(1, MSG_REFUSE, &refuse);
    cr_expect_str_eq(refuse.text, "unexpected message of no known form");
    cr_expect_eq(server->counts.bad_messages, 1);
}

SHELL_TEST(door, a_stranger_says_hello_first)
{
    struct msg_refuse refuse;
    say(5, MSG_HEARTBEAT, &(struct msg_heartbeat){0});
    hear(5, MSG_REFUSE, &refuse);
    cr_expect_eq(refuse.code, -ENOTCONN);
    cr_expect_eq(server->counts.unknown, 1);
    cr_expect_null(peer_at(5));
}

SHELL_TEST(door, no_version_in_common)
{
    struct msg_refuse refuse;
    say(1, MSG_HELLO, &(struct msg_hello){.version_min = 900, .version_max = 901});
    hear(1, MSG_REFUSE, &refuse);
    cr_expect_eq(refuse.code, -EPROTONOSUPPORT);
    turn();
    cr_expect_null(peer_at(1));
}

SHELL_TEST(door, a_refused_peer_is_not_heard)
{
    hello(1, 1);
    say_raw(1, "rubbish", 7);
    say(1, MSG_OPEN, &(struct msg_open){.stream = 1, .job = 1});
    cr_expect_eq(letters(1, MSG_REFUSE), 1);
    cr_expect_eq(letters(1, MSG_END), 0);
    cr_expect_eq(server->counts.unknown, 0);
    hello(1, 2); // in the same turn: a new beginning
    cr_expect_eq(letters(1, MSG_WELCOME), 2);
    cr_expect_eq(peer_at(1)->state, PEER_WELCOMED);
    turn();
    cr_expect_eq(peer_at(1)->state, PEER_WELCOMED);
}

static unsigned gone;
static char gone_for[128];

static void on_gone(void *arg, uint64_t worker, const char *reason)
{
    (void)arg, (void)worker;
    gone++;
    snprintf(gone_for, sizeof(gone_for), "%s", reason);
}

static void a_worker_that_begins_anew(void)
{
    hello(1, 1);
    worker_comes(8, 2);
    submitted(1, NUMBERS, SUBMIT_DETACHED);
    turn();
    cr_expect(answer(8, OUTCOME_OK, "x", 1));
    worker_comes(9, 200);
    turn();
    unsigned before = letters(9, MSG_LEASE);
    hello(8, 80);
    cr_expect_eq(gone, 1, "at once");
    turn();
    cr_expect_gt(letters(9, MSG_LEASE), before, "what it held runs elsewhere");
    cr_expect_eq(gone, 1);
}

static void a_worker_that_says_bye(void)
{
    worker_comes(8, 2);
    say(8, MSG_BYE, &(struct msg_bye){.reason = "asked to leave"});
    cr_expect_eq(gone, 0, "it is only marked");
    cr_expect(peer_at(8)->gone);
    turn();
    cr_expect_eq(gone, 1);
    cr_expect_str_eq(gone_for, "asked to leave");
    cr_expect_null(peer_at(8));
}

// The core gives it up by itself; the shell hands in what the core knows already, and no more.
static void a_worker_that_is_silent(void)
{
    worker_comes(8, 2);
    pass_time(PROTO_SILENCE_NS + NS_PER_S);
    cr_expect_eq(gone, 1);
    cr_expect_null(peer_at(8));
}

static void a_worker_that_reads_no_more(void)
{
    hello(1, 1);
    worker_comes(8, 2);
    worker_comes(9, 2);
    deafen(8, -EAGAIN, 0);
    submitted(1, NUMBERS, SUBMIT_DETACHED);
    turn();
    cr_expect_eq(gone, 1);
    cr_expect_str_eq(gone_for, "it does not read");
    cr_expect_null(peer_at(8));
    while (answer(9, OUTCOME_OK, "x", 1))
        turn();
    cr_expect_eq(server_job_find(server, 1)->summary.ok, 100);
}

#define GONE_TEST(name)                                                                            \
    Test(door, name)                                                                               \
    {                                                                                              \
        with_server(&(struct server_options){.worker_gone = on_gone}, name);                       \
    }
GONE_TEST(a_worker_that_begins_anew)
GONE_TEST(a_worker_that_says_bye)
GONE_TEST(a_worker_that_is_silent)
GONE_TEST(a_worker_that_reads_no_more)
