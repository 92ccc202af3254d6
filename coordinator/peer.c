// Peers, and the only way out to them.
//
// In: messages and reasons to drop. Out: frames on the socket. A failed send may drop its peer,
// which only marks it: no caller has to expect that anything was freed.
#include "coordinator/peer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <errno.h>

#include "base/log.h"
#include "coordinator/shell.h"
#include "coordinator/turn.h"
#include "proto/client.h"

static uint64_t place_of(const struct port *port, uint32_t address)
{
    return (uint64_t)port->number << 32 | address;
}

struct peer *peer_find(const struct port *port, uint32_t address)
{
    uint64_t place = place_of(port, address);
    struct peer *peer = NULL;
    HASH_FIND(by_place, port->server->by_place, &place, sizeof(place), peer);
    return peer;
}

struct peer *peer_of_id(const struct server *server, uint64_t id)
{
    struct peer *peer = NULL;
    HASH_FIND(by_id, server->by_id, &id, sizeof(id), peer);
    return peer && !peer->gone ? peer : NULL;
}

struct peer *peer_new(struct port *port, const struct zmessage *m, const struct pass *pass)
{
    struct server *server = port->server;
    struct peer *peer = calloc(1, sizeof(*peer));
    if (!peer)
        return NULL;
    peer->port = port;
    peer->address = m->peer;
    peer->place = place_of(port, m->peer);
    peer->id = ++server->next_id;
    peer->came = peer->last_heard = peer->last_sent = loop_now();
    peer->rights = pass->rights;
    memcpy(peer->user, pass->name, sizeof(peer->user));
    peer->connection.fd = -1;
    if (!port->is_private) {
        snprintf(peer->key, sizeof(peer->key), "%s", zmessage_user(m));
        zmessage_connection(m, &peer->connection);
    }
    buf_init(&peer->kept, PEER_KEPT_MAX * sizeof(struct msg_return));
    buf_init(&peer->header, PROTO_HEADER_MAX);
    buf_init(&peer->body, PROTO_BODY_MAX);
    HASH_ADD(by_place, server->by_place, place, sizeof(peer->place), peer);
    HASH_ADD(by_id, server->by_id, id, sizeof(peer->id), peer);
    return peer;
}

void peer_free(struct peer *peer)
{
    struct server *server = peer->port->server;
    if (peer->gone)
        LIST_REMOVE(peer, of_gone);
    if (peer->leases_open)
        LIST_REMOVE(peer, of_leasing);
    HASH_DELETE(by_place, server->by_place, peer);
    HASH_DELETE(by_id, server->by_id, peer);
    buf_done(&peer->kept);
    buf_done(&peer->header);
    buf_done(&peer->recall_header);
    buf_done(&peer->body);
    free(peer);
}

void peer_drop(struct peer *peer, const char *reason)
{
    if (peer->gone)
        return;
    peer->gone = true;
    LIST_INSERT_HEAD(&peer->port->server->gone, peer, of_gone);
    snprintf(peer->reason, sizeof(peer->reason), "%s", reason);
    peer->port->server->must_flush = true; // it is buried there
}

// Over a network a connection breaks while the worker lives: it gets nothing new, and the core
// waits for it as long as for a silent one.
static void peer_cut(struct peer *peer)
{
    log_info("a worker's connection broke: it may come back", "worker=%llu name=%s",
             (unsigned long long)peer->id, peer->reg.name);
    peer->is_cut = true;
    server_event(peer->port->server, &(struct event){.type = EV_WORKER_CREDIT, .worker = peer->id});
}

int peer_send(struct peer *peer, const struct buf *header, const void *body, size_t body_len)
{
    if (!peer || peer->gone || peer->is_cut)
        return -ENOTCONN;
    int r =
        zsock_send(peer->port->socket, peer->address, header->data, header->len, body, body_len);
    peer->last_sent = loop_now();
    if (r == 0)
        return 0;
    // A client that stops reading holds up only its own streams.
    if (r == -EAGAIN && peer->state != PEER_WORKER)
        return r;
    // Credit keeps queues far below their limit: a worker whose queue is full has stopped reading.
    log_debug("peer can't be reached", "peer=%llu code=%d", (unsigned long long)peer->id, r);
    if (r == -EHOSTUNREACH && peer->state == PEER_WORKER && !peer->port->is_private) {
        peer_cut(peer);
        return r;
    }
    peer_drop(peer, r == -EAGAIN ? "it does not read" : "its connection is lost");
    return r;
}

int peer_say_with(struct peer *peer, enum msg_type type, const void *m, const void *body,
                  size_t body_len)
{
    if (!peer || peer->gone)
        return -ENOTCONN;
    struct buf *header = &peer->port->server->saying;
    buf_clear(header);
    int r = msg_put(header, type, m);
    return r < 0 ? r : peer_send(peer, header, body, body_len);
}

int peer_say(struct peer *peer, enum msg_type type, const void *m)
{
    return peer_say_with(peer, type, m, NULL, 0);
}
