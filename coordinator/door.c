// The way in for every message.
//
// In: messages from the sockets. Out: a peer for each sender of HELLO; a call of the message's
// handler (handlers.h); REFUSE where a role or a peer's state does not permit the message.
//
// A message is handled completely before the next one; nothing here suspends. A HELLO from a known
// address, or of a known session, is a fresh start: the peer it replaces is buried at once, not at
// the turn's end, because nothing else is using it between two messages.
#include "coordinator/door.h"

#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "base/log.h"
#include "coordinator/client.h"
#include "coordinator/handlers.h"
#include "coordinator/parting.h"
#include "coordinator/peer.h"
#include "coordinator/server_job.h"
#include "coordinator/shell.h"
#include "coordinator/turn.h"
#include "proto/table.h"

#define MESSAGE_MAX 2048 // bytes of the largest message's struct
// Then the loop does other work.
#define MESSAGES_PER_TURN 256
#define BYTES_PER_TURN (16u << 20) // of bodies, which may have to go to the disk

// The session's older connection is over: a client is back, or a worker, whose older connection
// stays until it has named what it keeps.
static void end_session(struct server *server, const struct peer *like, bool with_workers)
{
    struct peer *peer, *next;
    HASH_ITER (by_place, server->by_place, peer, next)
        if (peer != like && peer->state != PEER_NEW &&
            (with_workers || peer->state != PEER_WORKER) &&
            memcmp(peer->session, like->session, sizeof(like->session)) == 0 &&
            strcmp(peer->user, like->user) == 0) {
            peer->is_back = true;
            peer_drop(peer, "it reconnected");
            peer_bury(peer);
        }
}

static int on_hello(struct peer *peer, const struct incoming *in)
{
    struct server *server = peer->port->server;
    const struct msg_hello *hello = in->message;
    uint32_t version =
        hello->version_max < PROTO_VERSION_MAX ? hello->version_max : PROTO_VERSION_MAX;
    if (version < PROTO_VERSION_MIN || version < hello->version_min)
        return err_set(in->err, -EPROTONOSUPPORT,
                       "no common protocol version: the peer (%s) speaks %u to %u, "
                       "this coordinator %u to %u",
                       hello->software, hello->version_min, hello->version_max, PROTO_VERSION_MIN,
                       PROTO_VERSION_MAX);
    memcpy(peer->session, hello->session, sizeof(peer->session));
    memcpy(peer->software, hello->software, sizeof(peer->software));
    end_session(server, peer, false);
    const struct server_job *job =
        peer->port->is_private ? attending_of(server, hello->session) : NULL;
    if (job) {
        peer->attends = job->id;
        peer->rights = RIGHT_ATTEND;
    }
    struct client *client = client_find(server, peer);
    struct msg_welcome welcome = {.version = version,
                                  .epoch = server->epoch,
                                  .worker = peer->id,
                                  .heartbeat_ns = PROTO_HEARTBEAT_NS,
                                  .silence_ns = PROTO_SILENCE_NS,
                                  .resumed = client != NULL};
    peer->state = PEER_WELCOMED;
    peer_say(peer, MSG_WELCOME, &welcome);
    if (client)
        client_back(client, peer);
    return 0;
}

static int on_keep(struct peer *peer, const struct incoming *in)
{
    struct batch_reader *reader = &peer->port->server->reader;
    struct msg_return run;
    int r = kept_batch_open(reader, MSG_KEEP, in->header, in->header_len, in->err);
    while (r >= 0 && (r = kept_batch_next(reader, MSG_KEEP, &run, in->err)) == 1)
        r = buf_add(&peer->kept, &run, sizeof(run));
    return r;
}

// In one turn with its registration, so that nobody else gets what it has.
static void take_kept(struct peer *peer)
{
    const struct msg_return *runs = (const struct msg_return *)(const void *)peer->kept.data;
    for (size_t i = 0; i < peer->kept.len / sizeof(*runs); i++)
        server_event(peer->port->server,
                     &(struct event){
                         .type = EV_KEEP, .worker = peer->id, .job = runs[i].job, .back = runs[i]});
    buf_done(&peer->kept);
}

static int on_register(struct peer *peer, const struct incoming *in)
{
    struct server *server = peer->port->server;
    const struct msg_register *reg = in->message;
    peer->reg = *reg;
    end_session(server, peer, true);
    int r = server_event(
        server, &(struct event){.type = EV_WORKER_UP, .worker = peer->id, .reg = &peer->reg});
    if (r < 0)
        return err_set(in->err, r, "the worker can't be accepted");
    peer->state = PEER_WORKER;
    peer_say(peer, MSG_HEARTBEAT, &(struct msg_heartbeat){0}); // it is accepted
    take_kept(peer);
    server->must_check_hope = true;
    log_info("worker registered", "worker=%llu name=%s host=%s pid=%u slots=%u user=%s",
             (unsigned long long)peer->id, peer->reg.name, peer->reg.host, peer->reg.pid,
             peer->reg.slots, peer->user);
    return 0;
}

static int on_bye(struct peer *peer, const struct incoming *in)
{
    const struct msg_bye *bye = in->message;
    if (peer->client)
        client_end(peer->client);
    peer->has_left = true;
    peer_drop(peer, bye->reason);
    return 0;
}

// Of a client: being heard is all that matters.
static int on_heartbeat(struct peer *peer, const struct incoming *in)
{
    (void)peer, (void)in;
    return 0;
}

const struct handler door_handlers[] = {
    {MSG_HELLO, SAID_BY(PEER_NEW), on_hello},
    {MSG_KEEP, SAID_BY(PEER_WELCOMED), on_keep},
    {MSG_REGISTER, SAID_BY(PEER_WELCOMED), on_register},
    {MSG_BYE, SAID_BY(PEER_WELCOMED) | SAID_BY(PEER_CLIENT) | SAID_BY(PEER_WORKER), on_bye},
    {MSG_HEARTBEAT, SAID_BY_CLIENT, on_heartbeat},
    {0},
};

static const struct handler *const handlers[] = {
    inbox_handlers, feeder_handlers, fetch_handlers,    readers_handlers,   submit_handlers,
    rows_handlers,  door_handlers,   requests_handlers, libraries_handlers, attending_handlers,
};

static const struct handler *handler_of(int type, enum peer_state state)
{
    for (size_t i = 0; i < sizeof(handlers) / sizeof(handlers[0]); i++)
        for (const struct handler *handler = handlers[i]; handler->fn; handler++)
            if ((int)handler->type == type && (handler->states & SAID_BY(state)))
                return handler;
    return NULL;
}

static int handle(struct peer *peer, const struct handler *handler, const struct zmessage *m,
                  struct err *err)
{
    const struct layout *layout = msg_layout(handler->type);
    _Alignas(max_align_t) uint8_t message[MESSAGE_MAX];
    const struct incoming in = {.message = message,
                                .header = m->header,
                                .header_len = m->header_len,
                                .body = m->body,
                                .err = err};
    int r = 0;
    assert(layout->size <= sizeof(message));
    if (!layout->entries)
        r = msg_get(m->header, m->header_len, handler->type, message, err);
    return r < 0 ? r : handler->fn(peer, &in);
}

// The only place that decides whether a message is let through.
static int dispatch(struct peer *peer, int type, const struct zmessage *m, struct err *err)
{
    const struct handler *handler = handler_of(type, peer->state);
    if (type >= 0 && !msg_may_send(type, peer->rights)) {
        peer->port->server->counts.forbidden++;
        return err_set(err, -EACCES, "its role does not permit %s", msg_name(type));
    }
    if (!handler)
        return err_set(err, -EPROTO, "unexpected message %s", msg_name(type));
    if (handler->states == SAID_BY_CLIENT && !peer->client && !client_new(peer))
        return -ENOMEM;
    return handle(peer, handler, m, err);
}

static struct peer *let_in(struct port *port, const struct zmessage *m)
{
    struct pass pass = {.rights = RIGHT_WORK | RIGHT_SUBMIT | RIGHT_LOOK | RIGHT_RULE};
    if (!port->is_private)
        gate_pass(port->server->gate, m, &pass);
    if (pass.rights)
        return peer_new(port, m, &pass);
    port_refuse(port, m->peer, -EACCES, "its key is no longer on the allow-list");
    return NULL;
}

// The sender of a message, or NULL when it is ignored or was refused. HELLO is a fresh start.
static struct peer *sender_of(struct port *port, const struct zmessage *m, int type)
{
    struct peer *peer = peer_find(port, m->peer);
    if (type == MSG_HELLO && peer && (peer->gone || peer->state != PEER_NEW)) {
        peer_drop(peer, "it reconnected as a new process");
        peer_bury(peer);
        peer = NULL;
    }
    if (peer)
        return peer->gone ? NULL : peer;
    if (type == MSG_HELLO)
        return let_in(port, m);
    // Its connection is from before a restart, ours or its own; it only has to begin again.
    port->server->counts.unknown++;
    port_refuse(port, m->peer, -ENOTCONN, "say HELLO first");
    return NULL;
}

static void receive(struct port *port, const struct zmessage *m)
{
    struct err err = {0};
    int type = msg_type_of(m->header, m->header_len);
    struct peer *peer = sender_of(port, m, type);
    if (!peer)
        return;
    peer->last_heard = loop_now();
    int r = dispatch(peer, type, m, &err);
    if (r == -ENOMEM || r >= 0)
        return;
    port->server->counts.bad_messages++;
    peer_refuse(peer, r, err.text);
}

void port_pump(void *arg)
{
    struct port *port = arg;
    size_t bytes = 0;
    for (int i = 0; i < MESSAGES_PER_TURN && bytes < BYTES_PER_TURN; i++) {
        struct zmessage m = {0};
        int r = zsock_recv(port->socket, &m);
        if (r == -EBADMSG) {
            struct peer *peer = peer_find(port, m.peer);
            port->server->counts.bad_messages++;
            if (peer && !peer->gone)
                peer_refuse(peer, -EPROTO, "a message has too many frames");
            continue;
        }
        if (r <= 0)
            return;
        bytes += m.body ? m.body->len : 0;
        receive(port, &m);
        zmessage_done(&m);
    }
    zsock_again(port->socket);
}
