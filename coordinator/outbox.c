// Actions of the core become messages, deliveries and wishes to feeders.
#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "coordinator/internal.h"

static void send_leases(struct server *server, struct peer *peer)
{
    if (!peer->leases_open)
        return;
    peer->leases_open = false;
    if (lease_batch_end(&peer->leases) == 0 && !peer->gone)
        peer_send_frames(server, peer, &peer->header, &peer->body);
    buf_clear(&peer->header);
    buf_clear(&peer->body);
}

static int add_lease(struct server *server, struct peer *peer, const struct lease *lease)
{
    if (peer->leases_open && peer->body.len + lease->body_len > SERVER_LEASE_BODY)
        send_leases(server, peer);
    for (int attempt = 0; attempt < 2; attempt++) {
        if (!peer->leases_open) {
            int r = lease_batch_begin(&peer->leases, &peer->header, &peer->body, server->epoch);
            if (r < 0)
                return r;
            peer->leases_open = true;
        }
        int r = lease_batch_add(&peer->leases, lease);
        if (r != -E2BIG)
            return r;
        send_leases(server, peer);
    }
    return -EMSGSIZE;
}

static void define_step(struct server *server, struct peer *peer, const struct action *action)
{
    const struct server_job *job = server_job_find(server, action->job);
    struct buf packed;
    if (!job)
        return;
    buf_init(&packed, PROTO_STEP_MAX);
    int r = plan_pack_step(job->plan, action->step, NULL, &packed);
    buf_clear(&server->scratch);
    if (r == 0)
        r = msg_put_step(&server->scratch, &(struct msg_step){.job = action->job,
                                                              .step = action->step,
                                                              .packed = packed.data,
                                                              .packed_len = packed.len});
    // The order of messages is kept: leases of other steps that were collected go first or later,
    // never this step's.
    if (r == 0)
        peer_send(server, peer);
    else
        server_drop_peer(server, peer, "a step can't be packed");
    buf_done(&packed);
}

static void to_worker(struct server *server, const struct action *action)
{
    struct peer *peer = peer_of_worker(server, action->worker);
    int r = 0;
    if (!peer)
        return;
    if (action->type == ACT_LEASE) {
        struct lease lease = action->lease.lease;
        lease.lens = action->lease.lens;
        lease.body = action->lease.body.data;
        r = add_lease(server, peer, &lease);
        if (r < 0)
            server_drop_peer(server, peer, "a lease can't be packed");
        return;
    }
    if (action->type == ACT_STEP) {
        define_step(server, peer, action);
        return;
    }
    buf_clear(&server->scratch);
    if (action->type == ACT_ACK) {
        r = msg_put_ack(&server->scratch, &(struct msg_ack){.seq = action->seq});
    } else if (action->type == ACT_FORGET) {
        r = msg_put_forget(&server->scratch, &(struct msg_forget){.job = action->job});
    } else {
        send_leases(server, peer); // a cancel must find what was leased before it
        r = msg_put_cancel(&server->scratch,
                           &(struct msg_cancel){.job = action->job, .mode = action->mode});
    }
    if (r == 0)
        peer_send(server, peer);
}

static void to_job(struct server *server, struct action *action)
{
    struct server_job *job = server_job_find(server, action->job);
    if (!job)
        return;
    switch (action->type) {
    case ACT_WANT:
        job_wanted(job, &(struct source_want){.chunks = action->want.chunks,
                                              .bytes = action->want.bytes,
                                              .mean_run_ns = action->want.mean_run_ns,
                                              .slots = action->want.slots});
        return;
    case ACT_FETCH:
        job_fetch(job, action->fetch.chunk, &action->fetch.extent);
        return;
    case ACT_DELIVER:
        job_record(job, &action->delivery);
        return;
    default:
        job_ended(job, action->summary);
        if (job->discard && !job->readers)
            job_forget(job);
        return;
    }
}

static void drop_gone(struct server *server)
{
    struct peer *peer, *next;
    HASH_ITER (by_place, server->by_place, peer, next)
        if (peer->gone)
            peer_free(server, peer);
}

bool server_perform(struct server *server)
{
    bool sent = false;
    // Dropping a peer hands the core an event, which may append: the list is walked by index.
    for (size_t i = 0; i < server->actions.len; i++) {
        struct action action = server->actions.list[i];
        switch (action.type) {
        case ACT_WANT:
        case ACT_FETCH:
        case ACT_DELIVER:
        case ACT_JOB_END:
            to_job(server, &action);
            break;
        case ACT_DROP: {
            struct peer *peer = peer_of_worker(server, action.worker);
            if (peer) {
                peer->gone = true;
                log_warn("worker lost", "worker=%llu name=%s reason=\"%s\"",
                         (unsigned long long)peer->worker, peer->reg.name, action.reason);
                if (server->options.worker_gone)
                    server->options.worker_gone(server->options.arg, peer->worker, action.reason);
            }
            break;
        }
        default:
            to_worker(server, &action);
            sent = true;
            break;
        }
    }
    actions_clear(&server->actions);
    for (struct peer *peer = server->by_place; peer; peer = peer->by_place.next)
        send_leases(server, peer);
    sent |= streams_send(server);
    drop_gone(server);
    return sent;
}
