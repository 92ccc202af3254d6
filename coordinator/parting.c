// The ways out for a peer.
//
// In: peers that are refused, dropped, or no longer on the allow-list. Out: REFUSE; EV_WORKER_DOWN
// for the core; clients that are away; connections that are cut.
//
// Peers are buried at the end of the turn, where nothing holds a peer, a stream or a job. That may
// end streams and forget jobs, which sends messages and so may drop more peers: they are buried in
// the next turn.
#include "coordinator/parting.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/grow.h"
#include "base/log.h"
#include "coordinator/client.h"
#include "coordinator/peer.h"
#include "coordinator/shell.h"
#include "coordinator/turn.h"

#define LAST_WORD_NS                                                                               \
    (500 * NS_PER_MS) // for a peer to receive its last message before it is cut off

#define CHUNKS_PER_TURN 65536u // of lost workers; others that are lost too wait for the next turn

static struct msg_refuse refusal(int code, const char *text)
{
    struct msg_refuse m = {.code = code};
    snprintf(m.text, sizeof(m.text), "%s", text);
    return m;
}

void peer_refuse(struct peer *peer, int code, const char *text)
{
    const struct msg_refuse m = refusal(code, text);
    log_warn(peer->state == PEER_WORKER ? "worker refused" : "peer refused",
             "peer=%llu user=%s name=%s software=%s reason=\"%s\"", (unsigned long long)peer->id,
             peer->user, peer->reg.name, peer->software, text);
    peer_say(peer, MSG_REFUSE, &m);
    peer_drop(peer, text);
}

void port_refuse(struct port *port, uint32_t address, int code, const char *text)
{
    const struct msg_refuse m = refusal(code, text);
    struct buf *header = &port->server->saying;
    buf_clear(header);
    if (msg_put(header, MSG_REFUSE, &m) == 0)
        zsock_send(port->socket, address, header->data, header->len, NULL, 0);
}

static void log_parting(const struct peer *peer)
{
    if (peer->is_back)
        return;
    const char *text = peer->has_left ? "worker left" : "worker lost";
    log_line(peer->has_left ? LOG_INFO : LOG_WARN, text,
             "worker=%llu name=%s host=%s results=%llu reason=\"%s\"", (unsigned long long)peer->id,
             peer->reg.name, peer->reg.host, (unsigned long long)peer->results, peer->reason);
}

void peer_bury(struct peer *peer)
{
    struct server *server = peer->port->server;
    const struct server_options *o = &server->options;
    if (peer->client)
        client_away(peer->client);
    if (peer->state == PEER_WORKER) {
        log_parting(peer);
        // If the core gave it up itself (ACT_DROP), it ignores the event.
        struct event event = {.type = EV_WORKER_DOWN, .worker = peer->id, .reason = peer->reason};
        if (peer->is_back)
            event = (struct event){.type = EV_WORKER_BACK, .worker = peer->id};
        server_event(server, &event);
        if (o->worker_gone)
            o->worker_gone(o->arg, peer->id, peer->reason);
    }
    peer_free(peer);
}

void peers_bury(struct server *server)
{
    uint64_t chunks = 0;
    while (!LIST_EMPTY(&server->gone) && chunks < CHUNKS_PER_TURN) {
        struct peer *peer = LIST_FIRST(&server->gone);
        struct core_worker_state state = {0};
        core_worker_state(server->core, peer->id, loop_now(), &state);
        chunks += state.leased + state.running;
        peer_bury(peer);
    }
}

static void part(struct server *server, const struct zconnection *connection)
{
    if (grow(server->partings, server->n_partings, 1) < 0) {
        zconnection_cut(connection);
        return;
    }
    server->partings[server->n_partings++] =
        (struct parting){*connection, clock_after(loop_now(), LAST_WORD_NS)};
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
        // It can't come back.
        if (peer->client)
            client_end(peer->client);
        peer_refuse(peer, -EACCES, "its key was removed or its role changed");
        part(server, &peer->connection);
    }
}

void partings_cut(struct server *server, int64_t now)
{
    struct parting *p = server->partings;
    size_t kept = 0;
    for (size_t i = 0; i < server->n_partings; i++) {
        if (p[i].after > now)
            p[kept++] = p[i];
        else
            zconnection_cut(&p[i].connection);
    }
    server->n_partings = kept;
}

void partings_done(struct server *server)
{
    free(server->partings);
}
