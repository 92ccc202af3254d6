// Connections: who is there, who may say what, and the way out to each.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "coordinator/internal.h"

#define LAST_WORD_NS (500 * NS_PER_MS) // what a peer that is cut off may still be told

static uint64_t place_of(const struct port *port, uint32_t address)
{
    return (uint64_t)port->number << 32 | address;
}

static struct peer *peer_find(const struct server *server, uint64_t place)
{
    struct peer *peer = NULL;
    HASH_FIND(by_place, server->by_place, &place, sizeof(place), peer);
    return peer;
}

struct peer *peer_of_worker(const struct server *server, uint64_t worker)
{
    struct peer *peer = NULL;
    HASH_FIND(by_worker, server->by_worker, &worker, sizeof(worker), peer);
    return peer && !peer->gone ? peer : NULL;
}

static struct peer *peer_new(struct port *port, const struct zmessage *m, const struct pass *pass)
{
    struct server *server = port->server;
    struct peer *peer = calloc(1, sizeof(*peer));
    if (!peer)
        return NULL;
    peer->port = port;
    peer->address = m->peer;
    peer->place = place_of(port, m->peer);
    peer->worker = ++server->next_worker;
    peer->came = peer->last_heard = peer->last_sent = loop_now();
    peer->rights = pass->rights;
    memcpy(peer->user, pass->name, sizeof(peer->user));
    peer->connection.fd = -1;
    if (!port->is_private) {
        snprintf(peer->key, sizeof(peer->key), "%s", zmessage_user(m));
        zmessage_connection(m, &peer->connection);
    }
    buf_init(&peer->header, PROTO_HEADER_MAX);
    buf_init(&peer->body, PROTO_BODY_MAX);
    HASH_ADD(by_place, server->by_place, place, sizeof(peer->place), peer);
    HASH_ADD(by_worker, server->by_worker, worker, sizeof(peer->worker), peer);
    return peer;
}

void peer_free(struct server *server, struct peer *peer)
{
    HASH_DELETE(by_place, server->by_place, peer);
    HASH_DELETE(by_worker, server->by_worker, peer);
    buf_done(&peer->header);
    buf_done(&peer->body);
    free(peer);
}

void server_drop_peer(struct server *server, struct peer *peer, const char *reason)
{
    if (peer->gone)
        return;
    peer->gone = true;
    server->must_flush = true; // it is freed there
    if (peer->client)
        client_away(peer->client);
    peer->client = NULL;
    if (peer->state != PEER_WORKING)
        return;
    server_event(server,
                 &(struct event){.type = EV_WORKER_DOWN, .worker = peer->worker, .reason = reason});
    if (server->options.worker_gone)
        server->options.worker_gone(server->options.arg, peer->worker, reason);
}

int peer_send_frames(struct server *server, struct peer *peer, const struct buf *header,
                     const struct buf *body)
{
    int r = zsock_send(peer->port->socket, peer->address, header->data, header->len,
                       body ? body->data : NULL, body ? body->len : 0);
    peer->last_sent = loop_now();
    if (r == 0)
        return 0;
    // A client that reads no more holds up its own streams only.
    if (r == -EAGAIN && peer->state != PEER_WORKING)
        return r;
    // Credit keeps queues far below their limit, so a full one is a worker that reads no more.
    log_debug("peer can't be reached", "peer=%llu code=%d", (unsigned long long)peer->worker, r);
    server_drop_peer(server, peer, r == -EAGAIN ? "it doesn't read" : "its connection is gone");
    return r;
}

void peer_send(struct server *server, struct peer *peer)
{
    peer_send_frames(server, peer, &server->scratch, NULL);
}

static int write_refuse(struct server *server, int code, const char *text)
{
    struct msg_refuse refuse = {.code = code};
    snprintf(refuse.text, sizeof(refuse.text), "%s", text);
    buf_clear(&server->scratch);
    return msg_put_refuse(&server->scratch, &refuse);
}

void peer_refuse(struct server *server, struct peer *peer, int code, const char *text)
{
    log_warn("peer refused", "peer=%llu user=\"%s\" reason=\"%s\"",
             (unsigned long long)peer->worker, peer->user, text);
    if (write_refuse(server, code, text) == 0)
        peer_send(server, peer);
    server_drop_peer(server, peer, text);
}

static void send_refuse(struct port *port, uint32_t address, int code, const char *text)
{
    struct server *server = port->server;
    if (write_refuse(server, code, text) == 0)
        zsock_send(port->socket, address, server->scratch.data, server->scratch.len, NULL, 0);
}

void peers_check_keys(struct server *server)
{
    struct peer *peer, *next;
    HASH_ITER (by_place, server->by_place, peer, next) {
        struct pass pass;
        if (peer->port->is_private || peer->gone)
            continue;
        gate_pass_of(server->gate, peer->key, &pass);
        if (pass.rights == peer->rights && strcmp(pass.name, peer->user) == 0)
            continue;
        peer_refuse(server, peer, -EACCES, "its key was removed, or has another role now");
        struct cut cut = {peer->connection, clock_after(loop_now(), LAST_WORD_NS)};
        if (buf_add(&server->cuts, &cut, sizeof(cut)) < 0)
            zconnection_cut(&peer->connection);
    }
}

void peers_cut(struct server *server, int64_t now)
{
    size_t kept = 0;
    struct cut *cuts = (struct cut *)(void *)server->cuts.data;
    for (size_t i = 0; i < server->cuts.len / sizeof(*cuts); i++) {
        if (cuts[i].after > now)
            cuts[kept++] = cuts[i];
        else
            zconnection_cut(&cuts[i].connection);
    }
    server->cuts.len = kept * sizeof(*cuts);
}

static struct peer *peer_of_session(struct server *server, const struct peer *like)
{
    for (struct peer *peer = server->by_place; peer; peer = peer->by_place.next)
        if (peer != like && !peer->gone && peer->state != PEER_NEW &&
            memcmp(peer->session, like->session, sizeof(like->session)) == 0 &&
            strcmp(peer->user, like->user) == 0)
            return peer;
    return NULL;
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
                       "no version of the protocol in common: the peer (%s) speaks %u to %u, "
                       "this coordinator %u to %u",
                       hello.software, hello.version_min, hello.version_max, PROTO_VERSION_MIN,
                       PROTO_VERSION_MAX);
    memcpy(peer->session, hello.session, sizeof(peer->session));
    memcpy(peer->software, hello.software, sizeof(peer->software));
    struct peer *before = peer_of_session(server, peer);
    if (before)
        server_drop_peer(server, before, "it came back on another connection");
    struct client *client = client_find(server, peer);
    struct msg_welcome welcome = {.version = version,
                                  .epoch = server->epoch,
                                  .worker = peer->worker,
                                  .heartbeat_ns = PROTO_HEARTBEAT_NS,
                                  .silence_ns = PROTO_SILENCE_NS,
                                  .resumed = client != NULL};
    buf_clear(&server->scratch);
    r = msg_put_welcome(&server->scratch, &welcome);
    if (r < 0)
        return err_set(err, r, "out of memory");
    peer->state = PEER_WELCOMED;
    peer_send(server, peer);
    if (client && !peer->gone)
        client_back(client, peer);
    return 0;
}

static int on_register(struct server *server, struct peer *peer, const struct zmessage *m,
                       struct err *err)
{
    int r = msg_get_register(m->header, m->header_len, &peer->reg, err);
    if (r < 0)
        return r;
    r = server_event(
        server, &(struct event){.type = EV_WORKER_UP, .worker = peer->worker, .reg = &peer->reg});
    if (r < 0)
        return err_set(err, r, "the worker can't be taken in");
    peer->state = PEER_WORKING;
    for (struct server_job *job = server->jobs; job; job = job->hh.next)
        job_check_hope(job);
    log_info("worker registered", "worker=%llu name=%s host=%s slots=%u",
             (unsigned long long)peer->worker, peer->reg.name, peer->reg.host, peer->reg.slots);
    return 0;
}

static int dispatch(struct server *server, struct peer *peer, int type, const struct zmessage *m,
                    struct err *err)
{
    if (type == MSG_HELLO)
        return on_hello(server, peer, m, err);
    if (type == MSG_REGISTER && peer->state == PEER_WELCOMED && !peer->client)
        return on_register(server, peer, m, err);
    if (peer->state == PEER_WORKING)
        return worker_message(server, peer, type, m, err);
    if (peer->state == PEER_WELCOMED)
        return client_message(server, peer, type, m, err);
    return err_set(err, -EPROTO, "unexpected message %s", msg_name(type));
}

static struct peer *let_in(struct port *port, const struct zmessage *m)
{
    struct pass pass = {.rights = RIGHT_WORK | RIGHT_SUBMIT | RIGHT_LOOK | RIGHT_RULE};
    if (!port->is_private)
        gate_pass(port->server->gate, m, &pass);
    if (pass.rights)
        return peer_new(port, m, &pass);
    send_refuse(port, m->peer, -EACCES, "its key is not on the list any more");
    return NULL;
}

// Whose message it is; NULL when it is nobody's. HELLO is a new beginning of whoever says it: what
// a worker held runs elsewhere, a client comes back.
static struct peer *sender_of(struct port *port, const struct zmessage *m, int type)
{
    struct server *server = port->server;
    struct peer *peer = peer_find(server, place_of(port, m->peer));
    bool anew = type == MSG_HELLO && peer && (peer->gone || peer->state != PEER_NEW);
    if (anew) {
        server_drop_peer(server, peer, "it began anew");
        peer_free(server, peer);
        peer = NULL;
    }
    if (peer)
        return peer->gone ? NULL : peer;
    if (type == MSG_HELLO)
        return let_in(port, m);
    // It has a connection of an earlier life of ours or of its own, and only has to begin again.
    server->counts.unknown++;
    send_refuse(port, m->peer, -ENOTCONN, "say HELLO first");
    return NULL;
}

static void handle(struct port *port, const struct zmessage *m)
{
    struct server *server = port->server;
    struct err err = {0};
    int type = msg_type_of(m->header, m->header_len);
    struct peer *peer = sender_of(port, m, type);
    int r;
    if (!peer)
        return;
    peer->last_heard = loop_now();
    if (type >= 0 && !msg_may_send(type, peer->rights)) {
        server->counts.forbidden++;
        r = err_set(&err, -EACCES, "its role does not allow %s", msg_name(type));
    } else {
        r = dispatch(server, peer, type, m, &err);
    }
    if (r == -ENOMEM || r >= 0)
        return;
    server->counts.bad_messages++;
    peer_refuse(server, peer, r, err.text);
}

void port_pump(void *arg)
{
    struct port *port = arg;
    struct server *server = port->server;
    for (int i = 0; i < SERVER_MESSAGES_PER_TURN; i++) {
        struct zmessage m = {0};
        int r = zsock_recv(port->socket, &m);
        if (r == -EBADMSG) {
            struct peer *peer = peer_find(server, place_of(port, m.peer));
            server->counts.bad_messages++;
            if (peer && !peer->gone)
                peer_refuse(server, peer, -EPROTO, "a message has too many frames");
            continue;
        }
        if (r <= 0)
            return;
        handle(port, &m);
        zmessage_done(&m);
    }
    zsock_again(port->socket);
}
