#include "coordinator/server.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/random.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "coordinator/internal.h"

#define LATE_NS NS_PER_S // a timer so late means that the whole process was stopped

#define CONTAINER(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

int server_event(struct server *server, const struct event *event)
{
    server->dirty = true;
    return core_handle(server->core, event, loop_now(), &server->actions);
}

static void on_tick(struct timer *timer)
{
    struct server *server = CONTAINER(timer, struct server, tick);
    int64_t expected = server->tick_at;
    server->tick_at = CLOCK_FOREVER;
    server_pump(server);
    if (clock_now() - expected > LATE_NS) {
        // Stopped and continued: the workers' messages are still on their way in.
        server->tick_at = clock_after(clock_now(), LATE_NS);
        timer_set(&server->tick, server->tick_at, on_tick);
        return;
    }
    server_event(server, &(struct event){.type = EV_TICK});
}

static void set_tick(struct server *server)
{
    int64_t next = core_next_deadline(server->core);
    if (next == server->tick_at)
        return;
    timer_cancel(&server->tick);
    server->tick_at = next;
    if (next != CLOCK_FOREVER)
        timer_set(&server->tick, next, on_tick);
}

static void on_heartbeat(struct timer *timer)
{
    struct server *server = CONTAINER(timer, struct server, heartbeat);
    int64_t now = loop_now();
    struct peer *peer, *next;
    HASH_ITER(by_address, server->by_address, peer, next)
    {
        if (peer->state != PEER_WORKING || now - peer->last_sent < PROTO_HEARTBEAT_NS)
            continue;
        buf_clear(&server->scratch);
        if (msg_put_heartbeat(&server->scratch, &(struct msg_heartbeat){0}) == 0)
            peer_send(server, peer);
    }
    timer_set(&server->heartbeat, clock_after(now, PROTO_HEARTBEAT_NS), on_heartbeat);
}

// Before the loop sleeps: all events of this turn become leases, deliveries and wants. Sending may
// swallow the socket's edge, so after a send the loop stays awake and the socket looks again.
static bool on_flush(struct prepare *prepare)
{
    struct server *server = CONTAINER(prepare, struct server, flush);
    if (!server->dirty)
        return false;
    server->dirty = false;
    core_handle(server->core, &(struct event){.type = EV_FLUSH}, loop_now(), &server->actions);
    bool sent = server_perform(server);
    set_tick(server);
    return sent || server->dirty;
}

int server_open(struct transport *transport, const struct server_options *options,
                struct server **ret, struct err *err)
{
    struct server *server = calloc(1, sizeof *server);
    if (!server)
        return err_set(err, -ENOMEM, "out of memory");
    server->options = *options;
    server->tick_at = CLOCK_FOREVER;
    buf_init(&server->scratch, PROTO_HEADER_MAX);
    batch_reader_init(&server->reader);
    // An ephemeral coordinator has no journal to count its starts in.
    if (getrandom(&server->epoch, sizeof server->epoch, 0) != sizeof server->epoch)
        server->epoch = (uint64_t)clock_now();
    server->epoch >>= 1;
    int r = core_new(&(struct core_options){.epoch = server->epoch}, &server->core);
    if (r < 0)
        err_set(err, r, "out of memory");
    if (r == 0)
        r = zsock_open(transport, ZSOCK_ROUTER, server_pump, server, &server->socket, err);
    if (r == 0)
        r = zsock_bind(server->socket, options->endpoint, err);
    if (r < 0) {
        zsock_close(server->socket);
        core_free(server->core);
        free(server);
        return r;
    }
    group_open(&server->feeders);
    prepare_add(&server->flush, on_flush);
    timer_set(&server->heartbeat, clock_after(loop_now(), PROTO_HEARTBEAT_NS), on_heartbeat);
    *ret = server;
    return 0;
}

struct server *server_close(struct server *server)
{
    if (!server)
        return NULL;
    group_cancel(&server->feeders);
    group_wait(&server->feeders);
    struct peer *peer, *next_peer;
    HASH_ITER(by_address, server->by_address, peer, next_peer)
    {
        buf_clear(&server->scratch);
        if (!peer->gone &&
            msg_put_bye(&server->scratch, &(struct msg_bye){.reason = "all jobs are over"}) == 0)
            peer_send(server, peer);
    }
    HASH_ITER(by_address, server->by_address, peer, next_peer)
    peer_free(server, peer);
    prepare_remove(&server->flush);
    timer_cancel(&server->tick);
    timer_cancel(&server->heartbeat);
    actions_done(&server->actions);
    core_free(server->core);
    zsock_close(server->socket);
    batch_reader_done(&server->reader);
    buf_done(&server->scratch);
    free(server);
    return NULL;
}

int server_worker_died(struct server *server, pid_t pid, const char *reason)
{
    for (struct peer *peer = server->by_address; peer; peer = peer->by_address.next) {
        if (peer->gone || (pid_t)peer->pid != pid)
            continue;
        server_drop_peer(server, peer, reason);
        return 0;
    }
    return -ENOENT;
}

void server_stats(const struct server *server, struct core_stats *ret)
{
    core_stats(server->core, ret);
}
