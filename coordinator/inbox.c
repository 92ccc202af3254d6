// Messages of workers become events of the core.
#include <errno.h>
#include <string.h>

#include "coordinator/internal.h"

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
