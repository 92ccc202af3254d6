// Messages of workers become events of the core.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "coordinator/internal.h"

static struct peer *peer_find(const struct server *server, uint32_t address)
{
    struct peer *peer = NULL;
    HASH_FIND(by_address, server->by_address, &address, sizeof address, peer);
    return peer;
}

static struct peer *peer_new(struct server *server, uint32_t address)
{
    struct peer *peer = calloc(1, sizeof *peer);
    if (!peer)
        return NULL;
    peer->address = address;
    peer->worker = ++server->next_worker;
    buf_init(&peer->header, PROTO_HEADER_MAX);
    buf_init(&peer->body, PROTO_BODY_MAX);
    HASH_ADD(by_address, server->by_address, address, sizeof peer->address, peer);
    HASH_ADD(by_worker, server->by_worker, worker, sizeof peer->worker, peer);
    return peer;
}

void server_drop_peer(struct server *server, struct peer *peer, const char *reason)
{
    if (peer->gone)
        return;
    peer->gone = true;
    if (peer->state != PEER_WORKING)
        return;
    server_event(server,
                 &(struct event){.type = EV_WORKER_DOWN, .worker = peer->worker, .reason = reason});
    if (server->options.worker_gone)
        server->options.worker_gone(server->options.arg, peer->worker, reason);
}

static void refuse(struct server *server, struct peer *peer, int code, const char *text)
{
    struct msg_refuse refuse = {.code = code};
    snprintf(refuse.text, sizeof refuse.text, "%s", text);
    log_warn("worker refused", "worker=%llu reason=\"%s\"", (unsigned long long)peer->worker, text);
    buf_clear(&server->scratch);
    if (msg_put_refuse(&server->scratch, &refuse) == 0)
        peer_send(server, peer);
    server_drop_peer(server, peer, text);
}

static int on_hello(struct server *server, struct peer *peer, const struct zmessage *m,
                    struct err *err)
{
    struct msg_hello hello;
    int r = msg_get_hello(m->header, m->header_len, &hello, err);
    if (r < 0)
        return r;
    uint32_t version =
        hello.version_max < PROTO_VERSION_MAX ? hello.version_max : PROTO_VERSION_MAX;
    if (version < PROTO_VERSION_MIN || version < hello.version_min)
        return err_set(err, -EPROTONOSUPPORT,
                       "no version of the protocol in common: the worker (%s) speaks %u to %u, "
                       "this coordinator %u to %u",
                       hello.software, hello.version_min, hello.version_max, PROTO_VERSION_MIN,
                       PROTO_VERSION_MAX);
    struct msg_welcome welcome = {.version = version,
                                  .epoch = server->epoch,
                                  .worker = peer->worker,
                                  .heartbeat_ns = PROTO_HEARTBEAT_NS,
                                  .silence_ns = PROTO_SILENCE_NS};
    buf_clear(&server->scratch);
    r = msg_put_welcome(&server->scratch, &welcome);
    if (r < 0)
        return err_set(err, r, "out of memory");
    peer->state = PEER_WELCOMED;
    peer_send(server, peer);
    return 0;
}

static int on_register(struct server *server, struct peer *peer, const struct zmessage *m,
                       struct err *err)
{
    struct msg_register reg;
    int r = msg_get_register(m->header, m->header_len, &reg, err);
    if (r < 0)
        return r;
    peer->pid = reg.pid;
    memcpy(peer->name, reg.name, sizeof peer->name);
    r = server_event(server,
                     &(struct event){.type = EV_WORKER_UP, .worker = peer->worker, .reg = &reg});
    if (r < 0)
        return err_set(err, r, "the worker can't be taken in");
    peer->state = PEER_WORKING;
    log_debug("worker registered", "worker=%llu name=%s slots=%u", (unsigned long long)peer->worker,
              reg.name, reg.slots);
    return 0;
}

static int on_result(struct server *server, struct peer *peer, const struct zmessage *m,
                     struct err *err)
{
    struct batch_reader *reader = &server->reader;
    struct result result;
    const uint8_t *body = m->body ? m->body->data : NULL;
    int r =
        result_batch_open(reader, m->header, m->header_len, body, m->body ? m->body->len : 0, err);
    struct event event = {.type = EV_RESULT, .worker = peer->worker};
    event.result.result = &result;
    event.result.epoch = reader->epoch;
    event.result.seq = reader->first_seq;
    while (r >= 0 && (r = result_batch_next(reader, &result, err)) == 1) {
        event.result.body =
            (struct slice){.slab = m->body, .data = result.body, .len = result.body_len};
        server_event(server, &event);
        event.result.seq++;
    }
    return r;
}

static int on_return(struct server *server, struct peer *peer, const struct zmessage *m,
                     struct err *err)
{
    struct event event = {.type = EV_RETURN, .worker = peer->worker};
    int r = return_batch_open(&server->reader, m->header, m->header_len, err);
    while (r >= 0 && (r = return_batch_next(&server->reader, &event.back, err)) == 1) {
        event.job = event.back.job;
        server_event(server, &event);
    }
    return r;
}

static int on_message(struct server *server, struct peer *peer, int type, const struct zmessage *m,
                      struct err *err)
{
    struct event event = {.worker = peer->worker};
    int r;
    switch (type) {
    case MSG_CREDIT:
        event.type = EV_WORKER_CREDIT;
        r = msg_get_credit(m->header, m->header_len, &event.credit, err);
        return r < 0 ? r : server_event(server, &event);
    case MSG_RESULT:
        return on_result(server, peer, m, err);
    case MSG_RETURN:
        return on_return(server, peer, m, err);
    case MSG_HEARTBEAT:
        event.type = EV_WORKER_ALIVE;
        return server_event(server, &event);
    case MSG_DRAIN:
        event.type = EV_WORKER_DRAIN;
        return server_event(server, &event);
    case MSG_BYE: {
        struct msg_bye bye;
        r = msg_get_bye(m->header, m->header_len, &bye, err);
        if (r == 0)
            server_drop_peer(server, peer, bye.reason);
        return r;
    }
    default:
        return err_set(err, -EPROTO, "unexpected message %s", msg_name(type));
    }
}

static void handle(struct server *server, const struct zmessage *m)
{
    struct err err = {0};
    int type = msg_type_of(m->header, m->header_len);
    struct peer *peer = peer_find(server, m->peer);
    if (peer && type == MSG_HELLO && peer->state != PEER_NEW) {
        // A new beginning of the worker: what the old one held runs elsewhere.
        server_drop_peer(server, peer, "it began anew");
        peer_free(server, peer);
        peer = NULL;
    }
    if (!peer)
        peer = peer_new(server, m->peer);
    if (!peer || peer->gone)
        return;
    int r;
    if (type == MSG_HELLO)
        r = on_hello(server, peer, m, &err);
    else if (type == MSG_REGISTER && peer->state == PEER_WELCOMED)
        r = on_register(server, peer, m, &err);
    else if (peer->state == PEER_WORKING)
        r = on_message(server, peer, type, m, &err);
    else
        r = err_set(&err, -EPROTO, "unexpected message %s",
                    type < 0 ? "of no known form" : msg_name(type));
    if (r == -ENOMEM || r >= 0)
        return;
    server->bad_messages++;
    refuse(server, peer, r, err.text);
}

void server_pump(void *arg)
{
    struct server *server = arg;
    for (int i = 0; i < SERVER_MESSAGES_PER_TURN; i++) {
        struct zmessage m = {0};
        int r = zsock_recv(server->socket, &m);
        if (r == -EBADMSG) {
            struct peer *peer = peer_find(server, m.peer);
            server->bad_messages++;
            if (peer && !peer->gone)
                refuse(server, peer, -EPROTO, "a message has too many frames");
            continue;
        }
        if (r <= 0)
            return;
        handle(server, &m);
        zmessage_done(&m);
    }
    zsock_again(server->socket);
}
