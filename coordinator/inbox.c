// Messages of workers become events of the core.
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"

#include "coordinator/internal.h"

static void tell_full(struct server *server, int code, uint64_t held)
{
    char text[PROTO_TEXT_MAX];
    // What waits now is what there is room for.
    core_hold_at_most(server->core, held);
    if (server->spool_is_full)
        return;
    server->spool_is_full = true;
    snprintf(text, sizeof(text),
             "the spool in '%.300s' can't grow (%s): %" PRIu64 " bytes of results wait, %" PRIu64
             " of them there; nothing is lost, but no more begins until results are taken. More "
             "room: --spool-dir DIR",
             server->options.spool_directory, strerror(-code), held, spool_bytes(server->spool));
    if (server->options.spool_full)
        server->options.spool_full(server->options.arg, text);
    else
        log_warn("the spool is full", "reason=\"%s\"", text);
}

// Where so much waits already, a result goes to the file. What can't be written stays in memory:
// the core hands nothing more out, so it is not much.
static bool to_spool(struct server *server, uint64_t held, const struct slice *body,
                     struct slice *ret)
{
    if (body->len < SPOOL_RESULT_MIN)
        return false;
    int r = spool_put(server->spool, body, ret);
    if (r < 0)
        tell_full(server, r, held);
    return r == 0;
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
    uint64_t held = server->spool ? core_held_bytes(server->core) : 0;
    bool spools = server->spool && held >= SPOOL_MEMORY + spool_bytes(server->spool);
    while (r >= 0 && (r = result_batch_next(reader, &result, err)) == 1) {
        event.result.body =
            (struct slice){.slab = m->body, .data = result.body, .len = result.body_len};
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

int worker_message(struct server *server, struct peer *peer, int type, const struct zmessage *m,
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
        r = msg_get_heartbeat(m->header, m->header_len, &peer->beat, err);
        return r < 0 ? r : server_event(server, &event);
    case MSG_DRAIN:
        event.type = EV_WORKER_DRAIN;
        peer->draining = true;
        return server_event(server, &event);
    case MSG_NEED: {
        struct msg_need need;
        r = msg_get_need(m->header, m->header_len, &need, err);
        if (r == 0)
            library_send(server, peer, need.digest);
        return r;
    }
    case MSG_BYE: {
        struct msg_bye bye;
        r = msg_get_bye(m->header, m->header_len, &bye, err);
        if (r == 0)
            server_drop_peer(server, peer, bye.reason);
        return r;
    }
    default:
        return err_set(err, -EPROTO, "unexpected message %s",
                       type < 0 ? "of no known form" : msg_name(type));
    }
}
