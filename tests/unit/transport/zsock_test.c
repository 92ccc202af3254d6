#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "async/group.h"
#include "async/waitq.h"
#include "base/clock.h"
#include "transport/localdir.h"
#include "transport/zsock.h"

#define LIMIT_S 20 // nothing here takes a second
#define MESSAGES 2000

// A socket that tasks wait for.
struct end {
    struct zsock *z;
    struct waitq readable;
    uint32_t peer; // of the last message
};

struct pair {
    struct localdir dir;
    struct transport *transport;
    struct end router, dealer;
};

static void on_ready(void *arg)
{
    waitq_wake_all(&((struct end *)arg)->readable);
}

static void pair_open(struct pair *p)
{
    *p = (struct pair){0};
    struct err err;
    cr_assert_eq(localdir_make(&p->dir, &err), 0);
    cr_assert_eq(transport_new(&p->transport, &err), 0);
    cr_assert_eq(zsock_open(p->transport, ZSOCK_ROUTER, on_ready, &p->router, &p->router.z, &err),
                 0);
    cr_assert_eq(zsock_open(p->transport, ZSOCK_DEALER, on_ready, &p->dealer, &p->dealer.z, &err),
                 0);
    cr_assert_eq(zsock_bind(p->router.z, p->dir.endpoint, &err), 0);
    cr_assert_eq(zsock_connect(p->dealer.z, p->dir.endpoint, &err), 0);
}

static void pair_close(struct pair *p)
{
    zsock_close(p->router.z);
    zsock_close(p->dealer.z);
    transport_free(p->transport);
    localdir_remove(&p->dir);
    cr_assert_neq(access(p->dir.path, F_OK), 0);
}

// Suspends until a message with a number comes.
static int receive(struct end *end, int *ret)
{
    for (;;) {
        struct zmessage m = {0};
        int r = zsock_recv(end->z, &m);
        if (r == 1) {
            cr_assert_eq(m.header_len, sizeof(*ret));
            memcpy(ret, m.header, sizeof(*ret));
            end->peer = m.peer;
            zmessage_done(&m);
            return 1;
        }
        if (r != -EAGAIN)
            return r;
        r = waitq_wait(&end->readable);
        if (r < 0)
            return r;
    }
}

static int give(struct end *end, int n)
{
    return zsock_send(end->z, end->peer, &n, sizeof(n), "body", 4);
}

static int run(task_fn *fn)
{
    alarm(LIMIT_S);
    int r = loop_run(fn, NULL);
    alarm(0);
    return r;
}

static int answers(void *arg)
{
    struct end *end = arg;
    int n = 0;
    while (n < MESSAGES - 1) {
        int r = receive(end, &n);
        if (r == 1)
            r = give(end, n);
        if (r < 0)
            return r;
    }
    return 0;
}

static int asks_main(void *arg)
{
    (void)arg;
    struct pair p;
    pair_open(&p);
    struct group g;
    group_open(&g);
    group_spawn(&g, "answers", answers, &p.router);
    // Up to seven on their way, so that both sides use their sockets while the other's come.
    for (int sent = 0, got = 0; got < MESSAGES;) {
        int n = -1;
        if (sent < MESSAGES && sent - got < 7) {
            cr_assert_eq(give(&p.dealer, sent++), 0);
            continue;
        }
        cr_assert_eq(receive(&p.dealer, &n), 1);
        cr_assert_eq(n, got++);
    }
    cr_assert_eq(group_wait(&g), 0);
    int n;
    struct scope scope;
    scope_enter(&scope, NS_PER_MS);
    cr_assert_eq(receive(&p.dealer, &n), -ETIMEDOUT);
    scope_leave(&scope);
    p.router.peer++;
    cr_assert_eq(give(&p.router, 1), -EHOSTUNREACH, "never dropped in silence");
    pair_close(&p);
    return 0;
}

Test(zsock, tasks_wait_for_messages)
{
    cr_assert_eq(run(asks_main), 0);
}

struct waiting {
    struct end *end;
    int n;
};

static int receives_one(void *arg)
{
    struct waiting *w = arg;
    return receive(w->end, &w->n);
}

static int lost_edge_main(void *arg)
{
    (void)arg;
    struct pair p;
    pair_open(&p);
    int n;
    cr_assert_eq(give(&p.dealer, 1), 0);
    cr_assert_eq(receive(&p.router, &n), 1);

    struct waiting w = {&p.dealer, 0};
    struct group g;
    group_open(&g);
    struct task *t = group_go(&g, "waits", receives_one, &w);
    task_yield(); // it waits now
    cr_assert_eq(give(&p.router, 2), 0);
    // The loop does not turn while the message arrives; should it take longer, the descriptor
    // reports it.
    nanosleep(&(struct timespec){.tv_nsec = 50 * NS_PER_MS}, NULL);
    // A send looks into the socket's mailbox and quiets the descriptor; the message is now known
    // only to a reader that asks.
    cr_assert_eq(give(&p.dealer, 3), 0);
    cr_assert_eq(task_join(t), 1);
    cr_assert_eq(w.n, 2);
    cr_assert_eq(group_wait(&g), 0);
    cr_assert_eq(receive(&p.router, &n), 1);
    cr_assert_eq(n, 3);
    pair_close(&p);
    return 0;
}

Test(zsock, a_send_that_swallows_the_readers_edge_does_not_lose_it)
{
    cr_assert_eq(run(lost_edge_main), 0);
}
