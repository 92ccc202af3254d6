// The life of the service, and the order of a turn.
//
// In: server_open(), server_close() and the timers. Out: the sockets, the core and everything the
// shell keeps; EV_TICK and EV_WORKER_ALIVE for the core; HEARTBEAT and BYE for peers.
//
// on_flush() is the end of each turn and the only place where peers are buried in bulk, actions are
// carried out and records are sent: nothing else holds a peer, a stream or a job then. Closing
// suspends until the feeders have ended, sends BYE, and frees clients and their streams first, then
// jobs, then peers.
#include "coordinator/server.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/container.h"
#include "base/log.h"
#include "coordinator/client.h"
#include "coordinator/delivery.h"
#include "coordinator/door.h"
#include "coordinator/event_file.h"
#include "coordinator/gate.h"
#include "coordinator/libraries.h"
#include "coordinator/page_file.h"
#include "coordinator/parting.h"
#include "coordinator/peer.h"
#include "coordinator/perform.h"
#include "coordinator/readers.h"
#include "coordinator/server_job.h"
#include "coordinator/shell.h"
#include "coordinator/spool.h"
#include "coordinator/turn.h"

#define SERVER_SPOOL_SHARE 8 // of a limited address space
#define LATE_NS NS_PER_S     // a timer this late means that the process was stopped

static void on_tick(struct timer *timer)
{
    struct server *server = container_of(timer, struct server, tick);
    int64_t late = loop_now() - server->tick_at;
    server->tick_at = CLOCK_FOREVER;
    for (uint32_t i = 0; i < server->n_ports; i++)
        port_pump(&server->ports[i]);
    if (late > LATE_NS) {
        // Stopped and continued: messages of workers may still be on their way.
        server->tick_at = clock_after(loop_now(), LATE_NS);
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

// Tries again what a full queue held up.
static void mark_client(struct client *client)
{
    struct out_stream *stream;
    LIST_FOREACH (stream, &client->streams, of_client)
        stream_mark(stream);
    questions_mark(client);
}

static void on_heartbeat(struct timer *timer)
{
    struct server *server = container_of(timer, struct server, heartbeat);
    int64_t now = loop_now();
    struct peer *peer, *next;
    HASH_ITER (by_place, server->by_place, peer, next) {
        bool is_own = peer->port->is_private && server->options.local_worker > 0 &&
                      (pid_t)peer->reg.pid == server->options.local_worker;
        if (peer->state == PEER_WORKER && !peer->gone && !peer->is_cut &&
            (is_own || zconnection_is_receiving(&peer->connection))) {
            peer->last_heard = now;
            server_event(server, &(struct event){.type = EV_WORKER_ALIVE, .worker = peer->id});
        }
        if (peer->n_needs && !peer->gone)
            libraries_again(peer);
        if (peer->state == PEER_NEW || peer->gone || peer->is_cut ||
            now - peer->last_sent < PROTO_HEARTBEAT_NS)
            continue;
        peer_say(peer, MSG_HEARTBEAT, &(struct msg_heartbeat){0});
        if (peer->client)
            mark_client(peer->client);
    }
    clients_check(server, now);
    keeper_check(server, now);
    server_jobs_try_room(server);
    partings_cut(server, now);
    timer_set(&server->heartbeat, clock_after(now, PROTO_HEARTBEAT_NS), on_heartbeat);
}

static void on_long_turn(struct loop_meter *meter, int64_t cpu_ns, int64_t wall_ns)
{
    struct server *server = container_of(meter, struct server, meter);
    int64_t now = clock_now();
    if (server->meter_logged && now - server->meter_logged < NS_PER_S)
        return;
    server->meter_logged = now;
    log_warn("the coordinator was busy for long", "cpu_ms=%lld wall_ms=%lld times=%llu",
             (long long)(cpu_ns / NS_PER_MS), (long long)(wall_ns / NS_PER_MS),
             (unsigned long long)meter->n_over);
}

static int64_t wall_less_loop(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return now.tv_sec * NS_PER_S + now.tv_nsec - loop_now();
}

static void check_hope(struct server *server)
{
    if (!server->must_check_hope)
        return;
    server->must_check_hope = false;
    for (struct server_job *job = server->jobs; job; job = job->hh.next)
        server_job_check_hope(job);
}

// The end of a turn, before the loop sleeps: dropped peers are buried, the turn's events become
// leases, deliveries and wants, and streams get their share. Sending may consume the socket's edge,
// so the loop stays awake after it to look at the socket again, and to bury peers that sending has
// lost.
static bool on_flush(struct prepare *prepare)
{
    struct server *server = container_of(prepare, struct server, flush);
    if (!server->must_flush)
        return false;
    server->library_searches = 0;
    server->held_is_known = false;
    peers_bury(server);
    check_hope(server);
    server_flush(server);
    server->wall_ns = wall_less_loop();
    bool sent = perform(server);
    deliver_settled(server);
    sent |= readers_send(server);
    sent |= questions_answer(server);
    set_tick(server);
    server_jobs_bury(server, false);
    server->must_flush |= !LIST_EMPTY(&server->gone) || !TAILQ_EMPTY(&server->dying) ||
                          !TAILQ_EMPTY(&server->closing);
    return sent || server->must_flush;
}

static struct port *new_port(struct server *server, bool is_private)
{
    struct port *port = &server->ports[server->n_ports];
    *port = (struct port){.server = server, .number = server->n_ports, .is_private = is_private};
    return port;
}

static int open_private(struct server *server, struct transport *transport, struct err *err)
{
    struct port *port = new_port(server, true);
    const char *const *endpoints = server->options.endpoints;
    int r = zsock_open(transport, ZSOCK_ROUTER, port_pump, port, &port->socket, err);
    if (r < 0)
        return r;
    server->n_ports++;
    for (size_t i = 0; endpoints[i] && r == 0; i++)
        r = zsock_bind(port->socket, endpoints[i], err);
    return r;
}

static void on_list_changed(void *arg)
{
    peers_check_keys(arg);
}

static void on_open_door(void *arg, const char *why)
{
    struct server *server = arg;
    server->options.open_door(server->options.arg, why);
}

static int open_gate(struct server *server, struct transport *transport, struct err *err)
{
    struct port *port = new_port(server, false);
    const struct server_options *o = &server->options;
    if (!o->listen)
        return 0;
    const struct gate_options options = {.listen = o->listen,
                                         .keys = o->keys,
                                         .allow_directory = o->allow_directory,
                                         .allowed = o->allowed,
                                         .n_allowed = o->n_allowed,
                                         .ready = port_pump,
                                         .ready_arg = port,
                                         .changed = on_list_changed,
                                         .open_door = on_open_door,
                                         .arg = server};
    int r = gate_open(transport, &options, &server->gate, err);
    if (r < 0)
        return r;
    port->socket = gate_socket(server->gate);
    server->n_ports++;
    return 0;
}

const char *server_endpoint(const struct server *server)
{
    return server->gate ? gate_endpoint(server->gate) : NULL;
}

static void release(struct server *server)
{
    // Last messages still go out; a peer that does not read delays us only for a moment.
    for (uint32_t i = 0; i < server->n_ports; i++)
        zsock_set_linger(server->ports[i].socket, ZSOCK_BYE_MS);
    stored_libraries_done(server);
    gate_close(server->gate);
    zsock_close(server->ports[0].socket);
    actions_done(&server->actions);
    core_free(server->core);
    event_file_close(server->events);
    spool_free(server->spool);
    page_file_free(server->room.file);
    batch_reader_done(&server->reader);
    buf_done(&server->saying);
    buf_done(&server->header);
    buf_done(&server->body);
    partings_done(server);
    free(server);
}

// Spooled results are mapped; where address space is limited, most of it is for other things.
static uint64_t within_memory(uint64_t bytes)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_AS, &limit) < 0 || limit.rlim_cur == RLIM_INFINITY)
        return bytes;
    uint64_t share = limit.rlim_cur / SERVER_SPOOL_SHARE;
    return bytes < share ? bytes : share;
}

int server_open(struct transport *transport, const struct server_options *options,
                struct server **ret, struct err *err)
{
    struct server *server = calloc(1, sizeof(*server));
    if (!server)
        return err_set(err, -ENOMEM, "out of memory");
    server->options = *options;
    server->tick_at = CLOCK_FOREVER;
    TAILQ_INIT(&server->asking);
    TAILQ_INIT(&server->dirty);
    TAILQ_INIT(&server->dying);
    TAILQ_INIT(&server->closing);
    buf_init(&server->saying, PROTO_HEADER_MAX);
    buf_init(&server->header, PROTO_HEADER_MAX);
    buf_init(&server->body, PROTO_BODY_MAX);
    batch_reader_init(&server->reader);
    // Without a journal, starts are not counted; a random epoch does.
    if (getrandom(&server->epoch, sizeof(server->epoch), 0) != sizeof(server->epoch))
        server->epoch = (uint64_t)clock_now();
    server->epoch >>= 1;
    if (!server->options.spool_bytes)
        server->options.spool_bytes = SERVER_SPOOL_BYTES;
    server->options.spool_bytes = within_memory(server->options.spool_bytes);
    if (server->options.spool_bytes < SERVER_SPOOL_MIN)
        server->options.spool_bytes = SERVER_SPOOL_MIN;
    if (!server->options.keep_jobs)
        server->options.keep_jobs = SERVER_KEEP_JOBS;
    if (!server->options.keep_bytes)
        server->options.keep_bytes = KEEPER_BYTES;
    const char *directory = server->options.spool_directory;
    const struct core_options core_options = {
        .epoch = server->epoch, .held_bytes = directory ? server->options.spool_bytes : 0};
    int r = core_new(&core_options, &server->core);
    if (r == 0 && directory)
        r = spool_new(directory, &server->spool);
    if (r == 0 && directory)
        r = page_file_new(directory, &server->room.file);
    if (r < 0)
        err_set(err, r, "out of memory");
    if (r == 0 && options->record)
        r = event_file_open(options->record, &core_options, &server->events, err);
    if (r == 0)
        r = open_private(server, transport, err);
    if (r == 0)
        r = open_gate(server, transport, err);
    if (r < 0) {
        release(server);
        return r;
    }
    TAILQ_INIT(&server->unattended);
    TAILQ_INIT(&server->settled);
    server->meter = (struct loop_meter){.limit_ns = options->slow_turn_ns, .over = on_long_turn};
    if (options->slow_turn_ns)
        loop_meter(&server->meter);
    // A service may run out of descriptors while it has results to keep.
    if (options->slow_turn_ns && directory) {
        spool_reserve(server->spool);
        page_file_reserve(server->room.file);
    }
    prepare_add(&server->flush, on_flush);
    timer_set(&server->heartbeat, clock_after(loop_now(), PROTO_HEARTBEAT_NS), on_heartbeat);
    *ret = server;
    return 0;
}

static void say_bye(struct server *server)
{
    struct peer *peer, *next;
    HASH_ITER (by_place, server->by_place, peer, next) {
        peer_say(peer, MSG_BYE, &(struct msg_bye){.reason = "the coordinator is shutting down"});
    }
}

struct server *server_close(struct server *server)
{
    if (!server)
        return NULL;
    say_bye(server);
    prepare_remove(&server->flush);
    if (server->options.slow_turn_ns)
        loop_unmeter();
    timer_cancel(&server->tick);
    timer_cancel(&server->heartbeat);
    // The core borrows the jobs' plans.
    actions_clear(&server->actions);
    server->core = core_free(server->core);
    while (server->clients) {
        struct client *client = server->clients;
        while (!LIST_EMPTY(&client->streams))
            stream_forget(LIST_FIRST(&client->streams));
        questions_drop(client);
        while (!LIST_EMPTY(&client->jobs))
            server_job_detach(LIST_FIRST(&client->jobs));
        HASH_DELETE(hh, server->clients, client);
        free(client);
    }
    while (server->jobs)
        server_job_forget(server->jobs);
    server_jobs_bury(server, true);
    keeper_done(server);
    struct peer *peer, *next;
    HASH_ITER (by_place, server->by_place, peer, next)
        peer_free(peer);
    release(server);
    return NULL;
}

int server_worker_died(struct server *server, pid_t pid, const char *reason)
{
    for (struct peer *peer = server->by_place; peer; peer = peer->by_place.next) {
        if (peer->gone || peer->state != PEER_WORKER || (pid_t)peer->reg.pid != pid)
            continue;
        peer_drop(peer, reason);
        return 0;
    }
    return -ENOENT;
}

void server_reload(struct server *server)
{
    if (server->gate)
        gate_reload(server->gate);
}
