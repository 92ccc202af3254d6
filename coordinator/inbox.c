// Messages of workers become events of the core.
//
// In: CREDIT, RESULT, RETURN, BEGUN, HEARTBEAT and DRAIN of workers. Out: an event for each
// message, or for each entry of a batch.
//
// When 64 MiB of results are waiting, further ones go to the spool first, which blocks for the
// disk. Nothing is sent from here: ACK and new leases follow at the end of the turn. The core may
// have given up the worker in this very turn; it then ignores the event.
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "coordinator/handlers.h"
#include "coordinator/shell.h"
#include "coordinator/spool.h"
#include "coordinator/turn.h"

static void report_full(struct server *server, int code, uint64_t held)
{
    char text[PROTO_TEXT_MAX];
    // What is waiting now becomes the limit.
    server_hold_at_most(server, held);
    if (server->spool_is_full)
        return;
    server->spool_is_full = true;
    snprintf(text, sizeof(text),
             "the spool in '%.300s' can't grow (%s): %" PRIu64 " bytes of results wait, %" PRIu64
             " of them there; nothing is lost; no new chunk starts until results are read. More "
             "room: --spool-dir DIR",
             server->options.spool_directory, strerror(-code), held, spool_bytes(server->spool));
    if (server->options.spool_full)
        server->options.spool_full(server->options.arg, text);
    else
        log_warn("the spool is full", "reason=\"%s\"", text);
}

// Moves a result to the file. One that can't be written stays in memory; they are few, because the
// core leases nothing more.
static bool to_spool(struct server *server, uint64_t held, const struct slice *body,
                     struct slice *ret)
{
    if (body->len < SPOOL_RESULT_MIN)
        return false;
    int r = spool_put(server->spool, body, ret);
    if (r < 0)
        report_full(server, r, held);
    return r == 0;
}

// Adding up what all jobs hold for each message would cost more the more jobs there are.
static uint64_t held_bytes(struct server *server)
{
    if (!server->spool)
        return 0;
    if (!server->held_is_known)
        server->held = core_held_bytes(server->core);
    server->held_is_known = true;
    return server->held;
}

static int on_result(struct peer *peer, const struct incoming *in)
{
    struct server *server = peer->port->server;
    struct batch_reader *reader = &server->reader;
    struct result result;
    const uint8_t *body = in->body ? in->body->data : NULL;
    int r = result_batch_open(reader, in->header, in->header_len, body,
                              in->body ? in->body->len : 0, in->err);
    struct event event = {.type = EV_RESULT, .worker = peer->id};
    event.result.result = &result;
    event.result.epoch = reader->epoch;
    event.result.seq = reader->first_seq;
    uint64_t held = held_bytes(server);
    if (in->body)
        server->held += in->body->len;
    bool spools = server->spool && held >= SPOOL_MEMORY + spool_bytes(server->spool);
    while (r >= 0 && (r = result_batch_next(reader, &result, in->err)) == 1) {
        event.result.body =
            (struct slice){.slab = in->body, .data = result.body, .len = result.body_len};
        struct slice spooled = {0};
        event.result.spooled = spools && to_spool(server, held, &event.result.body, &spooled);
        if (event.result.spooled)
            event.result.body = spooled;
        server_event(server, &event);
        slice_drop(&spooled);
        event.result.seq++;
        peer->results += !result.more;
        server->counts.results += !result.more;
    }
    return r;
}

static int on_return(struct peer *peer, const struct incoming *in)
{
    struct server *server = peer->port->server;
    struct event event = {.type = EV_RETURN, .worker = peer->id};
    int r = return_batch_open(&server->reader, in->header, in->header_len, in->err);
    while (r >= 0 && (r = return_batch_next(&server->reader, &event.back, in->err)) == 1) {
        event.job = event.back.job;
        server_event(server, &event);
    }
    return r;
}

static int on_begun(struct peer *peer, const struct incoming *in)
{
    struct server *server = peer->port->server;
    struct event event = {.type = EV_BEGUN, .worker = peer->id};
    int r = begun_batch_open(&server->reader, in->header, in->header_len, in->err);
    while (r >= 0 && (r = begun_batch_next(&server->reader, &event.begun, in->err)) == 1)
        server_event(server, &event);
    return r;
}

static int on_credit(struct peer *peer, const struct incoming *in)
{
    const struct msg_credit *credit = in->message;
    const struct event event = {.type = EV_WORKER_CREDIT, .worker = peer->id, .credit = *credit};
    server_event(peer->port->server, &event);
    return 0;
}

static int on_heartbeat(struct peer *peer, const struct incoming *in)
{
    const struct msg_heartbeat *beat = in->message;
    const struct event event = {.type = EV_WORKER_ALIVE, .worker = peer->id};
    peer->beat = *beat;
    server_event(peer->port->server, &event);
    return 0;
}

static int on_drain(struct peer *peer, const struct incoming *in)
{
    (void)in;
    const struct event event = {.type = EV_WORKER_DRAIN, .worker = peer->id};
    log_info("worker drains", "worker=%llu name=%s running=%u", (unsigned long long)peer->id,
             peer->reg.name, peer->beat.running);
    peer->draining = true;
    server_event(peer->port->server, &event);
    return 0;
}

const struct handler inbox_handlers[] = {
    {MSG_CREDIT, SAID_BY(PEER_WORKER), on_credit},
    {MSG_RESULT, SAID_BY(PEER_WORKER), on_result},
    {MSG_RETURN, SAID_BY(PEER_WORKER), on_return},
    {MSG_BEGUN, SAID_BY(PEER_WORKER), on_begun},
    {MSG_HEARTBEAT, SAID_BY(PEER_WORKER), on_heartbeat},
    {MSG_DRAIN, SAID_BY(PEER_WORKER), on_drain},
    {0},
};
