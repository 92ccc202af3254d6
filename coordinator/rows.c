// QUERY: rows about jobs, workers and the service.
//
// In: QUERY of clients and observers. Out: as many INFO messages as the rows need, then an empty
// one. All rows are made at once, so that they describe one moment.
//
// Nothing is changed here. A send that fails marks the peer as gone; the remaining rows are
// dropped.
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "coordinator/client.h"
#include "coordinator/handlers.h"
#include "coordinator/job_row.h"
#include "coordinator/server_job.h"
#include "coordinator/shell.h"

static void worker_row(const struct peer *peer, struct worker_info *ret)
{
    int64_t now = loop_now();
    struct core_worker_state state = {0};
    core_worker_state(peer->port->server->core, peer->id, now, &state);
    *ret = (struct worker_info){
        .id = peer->id,
        .pid = peer->reg.pid,
        .slots = peer->reg.slots,
        .memory_bytes = peer->reg.resources.memory_bytes,
        .leased = state.leased,
        .running = state.running,
        .done = peer->results,
        .draining = peer->draining,
        .up_ns = now - peer->came,
        .silent_ns = now - peer->last_heard,
        .idle_ns = state.idle_ns,
        .ends_in_ns = peer->reg.ends_in_ns ? peer->came + peer->reg.ends_in_ns - now : 0,
    };
    memcpy(ret->name, peer->reg.name, sizeof(ret->name));
    memcpy(ret->host, peer->reg.host, sizeof(ret->host));
    memcpy(ret->user, peer->user, sizeof(ret->user));
    memcpy(ret->software, peer->software, sizeof(ret->software));
    resources_words(&peer->reg.resources, ret->resources, sizeof(ret->resources));
}

struct answerer {
    struct client *client;
    const struct msg_query *query;
    struct buf header; // of the INFO being written
    struct batch_writer writer;
    int error;
};

static void begin_rows(struct answerer *a, bool more)
{
    buf_clear(&a->header);
    if (a->error == 0)
        a->error =
            info_begin(&a->writer, &a->header, a->query->request, (enum query)a->query->what, more);
}

static void flush_rows(struct answerer *a)
{
    info_end(&a->writer);
    if (a->error == 0)
        peer_send(a->client->peer, &a->header, NULL, 0);
}

static void add_row(struct answerer *a, const void *row)
{
    for (int attempt = 0; attempt < 2 && a->error == 0; attempt++) {
        int r = info_add(&a->writer, (enum query)a->query->what, row);
        if (r == 0)
            return;
        if (r != -E2BIG) {
            a->error = r;
            return;
        }
        flush_rows(a);
        begin_rows(a, true);
    }
}

static void add_count(struct answerer *a, const char *name, uint64_t value)
{
    struct line_info line = {.value = value};
    snprintf(line.name, sizeof(line.name), "%s", name);
    add_row(a, &line);
}

static void add_service(struct answerer *a)
{
    const struct server *server = a->client->server;
    struct core_stats s;
    core_stats(server->core, &s);
    add_count(a, "workers", s.workers);
    add_count(a, "slots", s.slots);
    add_count(a, "jobs", s.jobs);
    add_count(a, "pending", s.pending);
    add_count(a, "leased", s.leased);
    add_count(a, "held", s.held);
    add_count(a, "held_bytes", s.held_bytes);
    add_count(a, "done", s.done);
    add_count(a, "failed", s.failed);
    add_count(a, "retries", s.retries);
    add_count(a, "duplicates", s.duplicates);
    add_count(a, "fenced", s.fenced);
    add_count(a, "bad_messages", server->counts.bad_messages);
    add_count(a, "forbidden", server->counts.forbidden);
    add_count(a, "unknown_peers", server->counts.unknown);
    if (server->gate) {
        struct gate_counts g;
        gate_counts(server->gate, &g);
        add_count(a, "keys", g.keys);
        add_count(a, "connections_accepted", g.connections.accepted);
        add_count(a, "connections_greeted", g.connections.greeted);
        add_count(a, "strangers_refused", g.refused);
        add_count(a, "handshakes_failed", g.connections.failed);
        add_count(a, "self_tests_passed", g.selftests);
    }
    add_count(a, "peers", HASH_CNT(by_place, server->by_place));
    add_count(a, "clients", HASH_CNT(hh, server->clients));
}

struct explaining {
    struct answerer *a;
    uint64_t job;
};

static void add_reason(void *arg, uint32_t step, const char *text)
{
    struct explaining *e = arg;
    struct line_info line = {.job = e->job, .value = step};
    snprintf(line.name, sizeof(line.name), "step %u", step + 1);
    snprintf(line.text, sizeof(line.text), "%s", text);
    add_row(e->a, &line);
}

static void explain(struct answerer *a, const struct server_job *job)
{
    struct explaining e = {.a = a, .job = job->id};
    if (job->ended)
        add_reason(&e, 0, "the job has ended");
    else if (core_explain(job->server->core, job->id, add_reason, &e) < 0)
        add_reason(&e, 0, "the job is ending");
}

struct listing {
    struct answerer *a;
    const struct server_job *job;
};

static void add_running(void *arg, const struct core_running *chunk)
{
    const struct listing *l = arg;
    struct running_info row;
    server_running_row(l->job, chunk, &row);
    add_row(l->a, &row);
}

static void add_workers(struct answerer *a)
{
    const struct server *server = a->client->server;
    struct worker_info row;
    for (const struct peer *peer = server->by_place; peer; peer = peer->by_place.next)
        if (peer->state == PEER_WORKER && !peer->gone) {
            worker_row(peer, &row);
            add_row(a, &row);
        }
}

static void add_jobs(struct answerer *a)
{
    const struct server *server = a->client->server;
    struct job_info row;
    for (const struct server_job *job = server->jobs; job; job = job->hh.next) {
        if (!server_job_is_meant(job, a->query->first, a->query->last))
            continue;
        if (a->query->what == QUERY_EXPLAIN) {
            explain(a, job);
            continue;
        }
        if (a->query->what == QUERY_RUNNING) {
            struct listing l = {.a = a, .job = job};
            core_job_running(server->core, job->id, add_running, &l);
            continue;
        }
        server_job_row(job, &row);
        add_row(a, &row);
    }
}

static int on_query(struct peer *peer, const struct incoming *in)
{
    const struct msg_query *query = in->message;
    struct answerer a = {.client = peer->client, .query = query};
    buf_init(&a.header, PROTO_HEADER_MAX);
    // `more` is true until the last INFO, which is empty: rows are not counted beforehand.
    begin_rows(&a, true);
    if (query->what == QUERY_WORKERS)
        add_workers(&a);
    else if (query->what == QUERY_SERVICE)
        add_service(&a);
    else
        add_jobs(&a);
    flush_rows(&a);
    begin_rows(&a, false);
    flush_rows(&a);
    buf_done(&a.header);
    return a.error;
}

const struct handler rows_handlers[] = {
    {MSG_QUERY, SAID_BY_CLIENT, on_query},
    {0},
};
