// QUERY: rows about jobs, workers and the service.
//
// In: QUERY of clients and observers. Out: pages of rows (INFO), a few each turn (questions.h).
// Each row describes the moment in which it is made.
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
#include "coordinator/page_file.h"
#include "coordinator/questions.h"
#include "coordinator/server_job.h"
#include "coordinator/shell.h"

// What looking at each of them costs, compared with a row.
#define PEERS_PER_ROW 16u
#define JOBS_PER_ROW 64u
#define CHUNKS_PER_ROW 256u

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

// The INFO being written is the server's own: one slice is finished before the next begins.
static void begin(struct question *q)
{
    struct server *server = q->client->server;
    buf_clear(&server->header);
    if (q->code == 0)
        q->code =
            info_begin(&server->rows, &server->header, q->query.request, (enum query)q->query.what);
}

static int send_page(struct question *q, bool more)
{
    struct server *server = q->client->server;
    if (q->code < 0)
        return q->code;
    info_end(&server->rows, more);
    int r = peer_send(q->client->peer, &server->header, NULL, 0);
    if (r == 0 && server->rows.count > 0)
        question_page_sent(q->client, q->query.request);
    return r;
}

static void add_row(struct question *q, const void *row)
{
    struct server *server = q->client->server;
    for (int attempt = 0; attempt < 2 && q->code == 0; attempt++) {
        int r = info_add(&server->rows, (enum query)q->query.what, row);
        if (r == 0)
            return;
        if (r != -E2BIG) {
            q->code = r;
            return;
        }
        r = send_page(q, true);
        q->is_held_up |= r == -EAGAIN;
        begin(q);
    }
}

static void add_count(struct question *q, const char *name, uint64_t value)
{
    struct line_info line = {.value = value};
    snprintf(line.name, sizeof(line.name), "%s", name);
    add_row(q, &line);
}

static unsigned add_service(struct question *q)
{
    const struct server *server = q->client->server;
    struct core_stats s;
    core_stats(server->core, &s);
    add_count(q, "workers", s.workers);
    add_count(q, "slots", s.slots);
    add_count(q, "jobs", s.jobs);
    add_count(q, "pending", s.pending);
    add_count(q, "leased", s.leased);
    add_count(q, "held", s.held);
    add_count(q, "held_bytes", s.held_bytes);
    add_count(q, "done", s.done);
    add_count(q, "failed", s.failed);
    add_count(q, "retries", s.retries);
    add_count(q, "duplicates", s.duplicates);
    add_count(q, "fenced", s.fenced);
    add_count(q, "bad_messages", server->counts.bad_messages);
    add_count(q, "forbidden", server->counts.forbidden);
    add_count(q, "unknown_peers", server->counts.unknown);
    if (server->gate) {
        struct gate_counts g;
        gate_counts(server->gate, &g);
        add_count(q, "keys", g.keys);
        add_count(q, "connections_accepted", g.connections.accepted);
        add_count(q, "connections_greeted", g.connections.greeted);
        add_count(q, "strangers_refused", g.refused);
        add_count(q, "handshakes_failed", g.connections.failed);
        add_count(q, "self_tests_passed", g.selftests);
    }
    add_count(q, "kept_jobs", server->keeper.n_kept);
    add_count(q, "kept_bytes", server->keeper.kept_bytes);
    add_count(q, "record_file_bytes", server->room.file ? page_file_bytes(server->room.file) : 0);
    add_count(q, "record_memory_bytes", server->room.memory);
    add_count(q, "longest_turn_cpu_us", (uint64_t)server->meter.longest_cpu_ns / 1000);
    add_count(q, "longest_turn_wall_us", (uint64_t)server->meter.longest_wall_ns / 1000);
    add_count(q, "long_turns", server->meter.n_over);
    add_count(q, "peers", HASH_CNT(by_place, server->by_place));
    add_count(q, "clients", HASH_CNT(hh, server->clients));
    return 1 + (unsigned)(s.jobs / JOBS_PER_ROW);
}

struct explaining {
    struct question *q;
    uint64_t job;
    unsigned lines;
};

static void add_reason(void *arg, uint32_t step, const char *text)
{
    struct explaining *e = arg;
    struct line_info line = {.job = e->job, .value = step};
    snprintf(line.name, sizeof(line.name), "step %u", step + 1);
    snprintf(line.text, sizeof(line.text), "%s", text);
    e->lines++;
    add_row(e->q, &line);
}

static unsigned explain(struct question *q, const struct server_job *job)
{
    const struct server *server = job->server;
    struct explaining e = {.q = q, .job = job->id};
    char stall[PROTO_TEXT_MAX];
    server_job_stall_words(job, stall, sizeof(stall));
    if (stall[0])
        add_reason(&e, job->plan->n_steps ? (uint32_t)job->plan->n_steps - 1 : 0, stall);
    char why[PROTO_TEXT_MAX];
    attending_explain(job, why, sizeof(why));
    if (job->ended)
        add_reason(&e, 0, "the job has ended");
    else if (why[0])
        add_reason(&e, 0, why);
    else if (core_explain(server->core, job->id, add_reason, &e) < 0)
        add_reason(&e, 0, "the job is ending");
    // Each line has looked at every worker.
    return e.lines * (1 + HASH_CNT(by_place, server->by_place) / PEERS_PER_ROW);
}

struct listing {
    struct question *q;
    const struct server_job *job;
    unsigned rows;
};

static void add_running(void *arg, const struct core_running *chunk)
{
    struct listing *l = arg;
    struct running_info row;
    server_running_row(l->job, chunk, &row);
    add_row(l->q, &row);
    l->rows++;
}

static int list(struct question *q)
{
    const struct server *server = q->client->server;
    struct core_stats s;
    int r = 0;
    if (q->query.what == QUERY_SERVICE)
        return question_add(q, 0);
    if (q->query.what == QUERY_RUNNING) {
        core_stats(server->core, &s);
        q->value = 1 + s.leased / CHUNKS_PER_ROW;
    }
    if (q->query.what != QUERY_WORKERS) {
        r = question_add_jobs(q, q->query.first, q->query.last);
        return r == 0 && !q->n && q->query.first == q->query.last ? -ENOENT : r;
    }
    for (const struct peer *peer = server->by_id; peer && r == 0; peer = peer->by_id.next)
        if (peer->state == PEER_WORKER && !peer->gone)
            r = question_add(q, peer->id);
    return r;
}

static unsigned piece_of_jobs(struct question *q, const struct server_job *job)
{
    struct job_info row;
    if (!job)
        return 1;
    if (q->query.what == QUERY_EXPLAIN)
        return explain(q, job);
    if (q->query.what == QUERY_RUNNING) {
        struct listing l = {.q = q, .job = job, .rows = (unsigned)q->value};
        core_job_running(job->server->core, job->id, add_running, &l);
        return l.rows;
    }
    server_job_row(job, &row);
    add_row(q, &row);
    return 1;
}

static unsigned piece(struct question *q, uint64_t id)
{
    const struct server *server = q->client->server;
    if (q->query.what == QUERY_SERVICE)
        return add_service(q);
    if (q->query.what != QUERY_WORKERS)
        return piece_of_jobs(q, server_job_find(server, id));
    const struct peer *peer = peer_of_id(server, id);
    struct worker_info row;
    if (peer) {
        worker_row(peer, &row);
        add_row(q, &row);
    }
    return 1;
}

// The one job that was asked for is not there.
static int say_why(const struct question *q)
{
    char words[PROTO_TEXT_MAX];
    keeper_words(q->client->server, q->query.first, words, sizeof(words));
    return client_answer(q->client, q->query.request, q->code, 0, words);
}

static int end(struct question *q, bool last)
{
    if (q->code == -ENOENT)
        return say_why(q);
    if (q->is_held_up)
        return -EAGAIN;
    return last || q->client->server->rows.count > 0 ? send_page(q, !last) : 0;
}

static const struct question_ops query_ops = {
    .list = list, .begin = begin, .piece = piece, .end = end, .gives_pages = true};

static int on_query(struct peer *peer, const struct incoming *in)
{
    const struct msg_query *query = in->message;
    struct question q = {.ops = &query_ops, .query = *query};
    struct err why = {0};
    int r = question_ask(peer->client, &q, &why);
    return r < 0 ? client_answer(peer->client, query->request, r, 0, why.text) : 0;
}

const struct handler rows_handlers[] = {
    {MSG_QUERY, SAID_BY_CLIENT, on_query},
    {0},
};
