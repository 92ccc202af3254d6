// A fake coordinator for the parts of a link: a ROUTER in the same process and loop. The test says
// each message itself, and looks at each that comes. Time is virtual, so silence costs none.
#pragma once
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>
#include <sys/queue.h>

#include "../async/run.h"
#include "async/group.h"
#include "async/waitq.h"
#include "base/clock.h"
#include "base/grow.h"
#include "client/link.h"
#include "proto/client.h"
#include "transport/zsock.h"

#define PEER_ENDPOINT "inproc://coordinator"

struct peer {
    struct transport *transport;
    struct zsock *socket;
    uint32_t client; // who spoke last
    struct zmessage *queue;
    size_t n, at;
    struct waitq news;
    struct zmessage last; // that peer_hear() gave; what was read of it borrows from it
    struct buf header;
};

static inline void peer_ready(void *arg)
{
    struct peer *p = arg;
    struct zmessage m = {0};
    while (zsock_recv(p->socket, &m) == 1) {
        p->client = m.peer;
        cr_assert_eq(grow(p->queue, p->n, 1), 0);
        p->queue[p->n++] = m;
        m = (struct zmessage){0};
    }
    waitq_wake_all(&p->news);
}

static inline void peer_open(struct peer *p)
{
    struct err err = {0};
    *p = (struct peer){0};
    buf_init(&p->header, PROTO_HEADER_MAX);
    cr_assert_eq(transport_new(&p->transport, &err), 0);
    cr_assert_eq(zsock_open(p->transport, ZSOCK_ROUTER, peer_ready, p, &p->socket, &err), 0);
    cr_assert_eq(zsock_bind(p->socket, PEER_ENDPOINT, &err), 0, "%s", err.text);
}

static inline void peer_close(struct peer *p)
{
    zmessage_done(&p->last);
    while (p->at < p->n)
        zmessage_done(&p->queue[p->at++]);
    free(p->queue);
    buf_done(&p->header);
    zsock_close(p->socket);
    transport_free(p->transport);
}

// The next message must be of this type; heartbeats are let pass. Suspends until it is here.
static inline const struct zmessage *peer_hear(struct peer *p, enum msg_type type)
{
    for (;;) {
        while (p->at == p->n)
            cr_assert_eq(waitq_wait_until(&p->news, clock_after(loop_now(), 3600 * NS_PER_S)), 0,
                         "waited for %s", msg_name((int)type));
        zmessage_done(&p->last);
        p->last = p->queue[p->at++];
        int got = msg_type_of(p->last.header, p->last.header_len);
        if (got == MSG_HEARTBEAT && type != MSG_HEARTBEAT)
            continue;
        cr_assert_eq(got, (int)type, "%s came, not %s", msg_name(got), msg_name((int)type));
        return &p->last;
    }
}

// The same, read into a struct msg_TYPE.
static inline void peer_read(struct peer *p, enum msg_type type, void *ret)
{
    struct err err;
    const struct zmessage *m = peer_hear(p, type);
    cr_assert_eq(msg_get(m->header, m->header_len, type, ret, &err), 0, "%s", err.text);
}

// Lets all that is under way come, and asserts that nothing was said.
static inline void peer_hears_nothing(struct peer *p)
{
    for (int i = 0; i < 5; i++)
        task_sleep(1);
    while (p->at < p->n &&
           msg_type_of(p->queue[p->at].header, p->queue[p->at].header_len) == MSG_HEARTBEAT)
        zmessage_done(&p->queue[p->at++]);
    cr_assert_eq(p->at, p->n, "%s came",
                 msg_name(msg_type_of(p->queue[p->at].header, p->queue[p->at].header_len)));
}

static inline void peer_send(struct peer *p, const void *body, size_t len)
{
    cr_assert_eq(zsock_send(p->socket, p->client, p->header.data, p->header.len, body, len), 0);
    buf_clear(&p->header);
}

static inline void peer_say(struct peer *p, enum msg_type type, const void *m)
{
    buf_clear(&p->header);
    cr_assert_eq(msg_put(&p->header, type, m), 0);
    peer_send(p, NULL, 0);
}

static inline void peer_welcomes(struct peer *p, uint64_t epoch)
{
    peer_say(p, MSG_WELCOME,
             &(struct msg_welcome){.version = PROTO_VERSION_MAX,
                                   .epoch = epoch,
                                   .worker = 7,
                                   .heartbeat_ns = PROTO_HEARTBEAT_NS,
                                   .silence_ns = PROTO_SILENCE_NS});
}

static inline void peer_greets(struct peer *p, uint64_t epoch)
{
    struct msg_hello hello;
    peer_read(p, MSG_HELLO, &hello);
    peer_welcomes(p, epoch);
}

// As after a break: the coordinator does not know the connection any more.
static inline void peer_breaks(struct peer *p, uint64_t epoch)
{
    peer_say(p, MSG_REFUSE, &(struct msg_refuse){.code = -ENOTCONN, .text = "who are you?"});
    peer_greets(p, epoch);
}

static inline int peer_greets_once(void *arg)
{
    peer_greets(arg, 1);
    return 0;
}

// A link that was greeted.
static inline struct link *peer_link(struct peer *p)
{
    const struct link_options options = {.endpoint = PEER_ENDPOINT};
    struct link *link = NULL;
    struct err err = {0};
    struct group g;
    group_open(&g);
    group_spawn(&g, "greets", peer_greets_once, p);
    cr_assert_eq(link_open(p->transport, &options, &link, &err), 0, "%s", err.text);
    cr_assert_eq(group_wait(&g), 0);
    return link;
}
