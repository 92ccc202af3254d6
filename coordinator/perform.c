// Carries out the core's actions.
//
// In: the actions of all events since the last turn. Out: STEP, LEASE, RECALL, ACK, CANCEL and
// FORGET for workers; actions that concern a job go to delivery.c, feeder.c and fetch.c.
//
// All leases of one worker become one message. Carrying out an action may hand the core an event
// (feeder_want feeds chunks that run again at once; a record without memory cancels its job), which
// may append actions: the list is walked by index. A worker that can't be reached is only marked as
// gone. A job may be forgotten at its end, so each action looks its job up again.
#include "coordinator/perform.h"

#include <errno.h>

#include "base/clock.h"
#include "base/log.h"
#include "coordinator/delivery.h"
#include "coordinator/feeder.h"
#include "coordinator/fetch.h"
#include "coordinator/server_job.h"
#include "coordinator/shell.h"

#define LEASE_BODY (4u << 20) // a LEASE is sent once its payloads are that large

static void send_leases(struct peer *peer)
{
    if (!peer->leases_open)
        return;
    peer->leases_open = false;
    LIST_REMOVE(peer, of_leasing);
    if (lease_batch_end(&peer->leases) == 0)
        peer_send(peer, &peer->header, peer->body.data, peer->body.len);
    buf_clear(&peer->header);
    buf_clear(&peer->body);
}

static int put_lease(struct peer *peer, const struct lease *lease)
{
    if (peer->leases_open && peer->body.len + lease->body_len > LEASE_BODY)
        send_leases(peer);
    for (int attempt = 0; attempt < 2; attempt++) {
        if (!peer->leases_open) {
            int r = lease_batch_begin(&peer->leases, &peer->header, &peer->body,
                                      peer->port->server->epoch);
            if (r < 0)
                return r;
            peer->leases_open = true;
            LIST_INSERT_HEAD(&peer->port->server->leasing, peer, of_leasing);
        }
        int r = lease_batch_add(&peer->leases, lease);
        if (r != -E2BIG)
            return r;
        send_leases(peer);
    }
    return -EMSGSIZE;
}

static void add_lease(struct peer *peer, const struct action *action)
{
    struct lease lease = action->lease.lease;
    lease.lens = action->lease.lens;
    lease.body = action->lease.body.data;
    if (put_lease(peer, &lease) < 0)
        peer_drop(peer, "a lease can't be encoded");
}

static void send_recalls(struct peer *peer)
{
    if (!peer->recalls_open)
        return;
    peer->recalls_open = false;
    send_leases(peer); // first what it asks for
    if (recall_batch_end(&peer->recalls) == 0)
        peer_send(peer, &peer->recall_header, NULL, 0);
    buf_done(&peer->recall_header);
}

static void add_recall(struct peer *peer, const struct msg_return *run)
{
    int r = 0;
    for (int attempt = 0; attempt < 2; attempt++) {
        if (!peer->recalls_open) {
            buf_init(&peer->recall_header, PROTO_HEADER_MAX);
            r = recall_batch_begin(&peer->recalls, &peer->recall_header);
            peer->recalls_open = true;
        }
        if (r == 0)
            r = recall_batch_add(&peer->recalls, run);
        if (r != -E2BIG)
            break;
        send_recalls(peer);
        r = 0;
    }
    if (r < 0)
        peer_drop(peer, "a recall can't be encoded");
}

// Messages stay in order: leases that were collected before are of other steps, so it does not
// matter which go first.
static void define_step(struct peer *peer, const struct action *action)
{
    const struct server_job *job = server_job_find(peer->port->server, action->job);
    struct buf packed;
    if (!job)
        return;
    buf_init(&packed, PROTO_STEP_MAX);
    int r = plan_pack_step(job->plan, action->step, NULL, &packed);
    if (r == 0)
        r = peer_say(peer, MSG_STEP,
                     &(struct msg_step){.job = action->job,
                                        .step = action->step,
                                        .packed = packed.data,
                                        .packed_len = packed.len});
    if (r < 0)
        peer_drop(peer, "a step can't be encoded");
    buf_done(&packed);
}

static void to_worker(struct server *server, const struct action *action)
{
    struct peer *peer = peer_of_id(server, action->worker);
    if (!peer)
        return;
    switch (action->type) {
    case ACT_ASIDE:
        log_warn("a worker is set aside for a step: it could not start a chunk",
                 "job=%llu step=%u worker=%llu name=%s seconds=%lld reason=\"%s\"",
                 (unsigned long long)action->job, action->aside->step + 1,
                 (unsigned long long)peer->id, peer->reg.name,
                 (long long)(action->aside->wait_ns / NS_PER_S), action->aside->text);
        return;
    case ACT_LEASE:
        add_lease(peer, action);
        return;
    case ACT_RECALL:
        add_recall(peer, &action->recall);
        return;
    case ACT_STEP:
        define_step(peer, action);
        return;
    case ACT_ACK:
        peer_say(peer, MSG_ACK, &(struct msg_ack){.seq = action->seq});
        return;
    case ACT_DISCARD:
        buf_clear(&server->saying);
        if (kept_batch_put(&server->saying, MSG_DISCARD, &action->discard, 1) == 0)
            peer_send(peer, &server->saying, NULL, 0);
        return;
    case ACT_FORGET:
        peer_say(peer, MSG_FORGET, &(struct msg_forget){.job = action->job});
        return;
    case ACT_CANCEL:
        send_leases(peer); // a cancel must follow the leases that it is about
        peer_say(peer, MSG_CANCEL, &(struct msg_cancel){.job = action->job, .mode = action->mode});
        return;
    default:
        // The core has given up the worker and taken back its chunks.
        peer_drop(peer, action->reason);
        return;
    }
}

static void to_job(struct server *server, const struct action *action)
{
    struct server_job *job = server_job_find(server, action->job);
    if (!job)
        return;
    switch (action->type) {
    case ACT_WANT:
        feeder_want(job, &(struct source_want){.chunks = action->want.chunks,
                                               .bytes = action->want.bytes,
                                               .mean_run_ns = action->want.mean_run_ns,
                                               .slots = action->want.slots});
        return;
    case ACT_FETCH:
        fetch_part(job, action->fetch.chunk, &action->fetch.extent);
        return;
    case ACT_DELIVER:
        deliver_record(job, &action->delivery);
        return;
    default:
        deliver_end(job, action->summary);
        return;
    }
}

bool perform(struct server *server)
{
    bool sent = false, recalled = false;
    for (size_t i = 0; i < server->actions.len; i++) {
        const struct action action = server->actions.list[i];
        switch (action.type) {
        case ACT_WANT:
        case ACT_FETCH:
        case ACT_DELIVER:
        case ACT_JOB_END:
            to_job(server, &action);
            break;
        default:
            to_worker(server, &action);
            recalled |= action.type == ACT_RECALL;
            sent = true;
            break;
        }
    }
    actions_clear(&server->actions);
    while (!LIST_EMPTY(&server->leasing))
        send_leases(LIST_FIRST(&server->leasing));
    for (struct peer *peer = server->by_place; recalled && peer; peer = peer->by_place.next)
        send_recalls(peer);
    return sent;
}
