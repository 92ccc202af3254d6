// Rows about jobs, workers and the service, for those who ask.
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "coordinator/internal.h"

bool job_is_meant(const struct server *server, const struct server_job *job, uint64_t first,
                  uint64_t last)
{
    if (first == 0 && last == 0) {
        // The newest that is still known.
        const struct server_job *newest = server->jobs;
        for (const struct server_job *j = server->jobs; j; j = j->hh.next)
            newest = j;
        return job == newest;
    }
    return job->id >= first && job->id <= last;
}

static uint8_t fate_of(const struct server_job *job)
{
    static const uint8_t fates[] = {
        [END_COMPLETE] = FATE_COMPLETE,     [END_CANCELLED] = FATE_CANCELLED,
        [END_MAX_FAILURES] = FATE_FAILURES, [END_NOT_RUNNABLE] = FATE_NOT_RUNNABLE,
        [END_SOURCE] = FATE_SOURCE,         [END_INTERNAL] = FATE_INTERNAL,
    };
    return job->timed_out && job->summary.end == END_CANCELLED ? FATE_TIMEOUT
                                                               : fates[job->summary.end];
}

void job_row(const struct server_job *job, struct job_info *ret)
{
    struct job_summary s = job->summary;
    uint64_t running = 0;
    if (!job->ended)
        core_job_progress(job->server->core, job->id, &s, &running);
    *ret = (struct job_info){
        .id = job->id,
        .phase = job->ended     ? PHASE_ENDED
                 : job->discard ? PHASE_ENDING
                                : PHASE_RUNNING,
        .fate = job->ended ? fate_of(job) : FATE_COMPLETE,
        .detached = job->flags & SUBMIT_DETACHED,
        .failed_too = job->plan->sink.failed_too,
        .created_ms = job->created_ms,
        .age_ns = job->ended ? job->took : loop_now() - job->began,
        .total = job->ended        ? s.chunks
                 : job->runs_again ? job->again.n
                 : job->source     ? source_total(job->source)
                                   : UINT64_MAX,
        .chunks = s.chunks,
        .ok = s.ok,
        .failed = s.failed,
        .cancelled = s.cancelled,
        .unrun = s.unrun,
        .retries = s.retries,
        .running = running,
        .records = job->records.next,
        .first_code = s.first_code,
    };
    snprintf(ret->name, sizeof(ret->name), "%s", job->plan->name);
    memcpy(ret->owner, job->owner, sizeof(ret->owner));
    memcpy(ret->text, s.text, sizeof(ret->text));
}

static void worker_row(const struct peer *peer, struct worker_info *ret)
{
    int64_t now = loop_now();
    *ret = (struct worker_info){
        .id = peer->worker,
        .pid = peer->reg.pid,
        .slots = peer->reg.slots,
        .memory_bytes = peer->reg.resources.memory_bytes,
        .leased = core_worker_leased(peer->port->server->core, peer->worker),
        .running = peer->beat.running,
        .held = peer->beat.held,
        .done = peer->results,
        .draining = peer->draining,
        .up_ns = now - peer->came,
        .silent_ns = now - peer->last_heard,
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
    struct batch_writer writer;
    int error;
};

static void flush_rows(struct answerer *a)
{
    struct server *server = a->client->server;
    info_end(&a->writer);
    if (a->error == 0 && a->client->peer)
        peer_send_frames(server, a->client->peer, &server->header, NULL);
}

static void begin_rows(struct answerer *a)
{
    struct server *server = a->client->server;
    buf_clear(&server->header);
    // `more` is true until the last INFO, which is empty: rows are counted by nobody beforehand.
    a->error = info_begin(&a->writer, &server->header, a->query->request,
                          (enum query)a->query->what, true);
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
        begin_rows(a);
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
        add_reason(&e, 0, "the job is coming to its end");
}

int rows_answer(struct client *client, const struct msg_query *m)
{
    struct server *server = client->server;
    struct answerer a = {.client = client, .query = m};
    begin_rows(&a);
    if (m->what == QUERY_WORKERS) {
        struct worker_info row;
        for (const struct peer *peer = server->by_place; peer; peer = peer->by_place.next)
            if (peer->state == PEER_WORKING && !peer->gone) {
                worker_row(peer, &row);
                add_row(&a, &row);
            }
    } else if (m->what == QUERY_SERVICE) {
        add_service(&a);
    } else {
        struct job_info row;
        for (const struct server_job *job = server->jobs; job; job = job->hh.next) {
            if (!job_is_meant(server, job, m->first, m->last))
                continue;
            if (m->what == QUERY_EXPLAIN) {
                explain(&a, job);
                continue;
            }
            job_row(job, &row);
            add_row(&a, &row);
        }
    }
    flush_rows(&a);
    buf_clear(&server->header);
    int r = info_begin(&a.writer, &server->header, m->request, (enum query)m->what, false);
    if (r == 0)
        flush_rows(&a);
    return r == 0 ? a.error : r;
}
