// The state of everything, as log lines.
//
// In: server_dump(), when the coordinator gets SIGUSR1. Out: one line for the service, each peer,
// job and stream, the reason why each step of a job waits, and each task of the loop.
//
// Nothing is changed, sent or waited for.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "coordinator/client.h"
#include "coordinator/server_job.h"
#include "coordinator/shell.h"
#include "coordinator/spool.h"

static void dump_service(const struct server *server)
{
    struct core_stats s;
    core_stats(server->core, &s);
    log_info("dump: service",
             "workers=%llu slots=%llu jobs=%u clients=%u peers=%u pending=%llu leased=%llu "
             "held=%llu held_bytes=%llu spool_bytes=%llu done=%llu failed=%llu",
             (unsigned long long)s.workers, (unsigned long long)s.slots, HASH_CNT(hh, server->jobs),
             HASH_CNT(hh, server->clients), HASH_CNT(by_place, server->by_place),
             (unsigned long long)s.pending, (unsigned long long)s.leased,
             (unsigned long long)s.held, (unsigned long long)s.held_bytes,
             (unsigned long long)(server->spool ? spool_bytes(server->spool) : 0),
             (unsigned long long)s.done, (unsigned long long)s.failed);
    log_info("dump: turns", "longest_cpu_us=%lld longest_wall_us=%lld long=%llu",
             (long long)(server->meter.longest_cpu_ns / 1000),
             (long long)(server->meter.longest_wall_ns / 1000),
             (unsigned long long)server->meter.n_over);
}

static void dump_peer(const struct peer *peer)
{
    static const char *const states[] = {
        [PEER_NEW] = "new",
        [PEER_WELCOMED] = "welcomed",
        [PEER_CLIENT] = "client",
        [PEER_WORKER] = "worker",
    };
    struct core_worker_state state = {0};
    core_worker_state(peer->port->server->core, peer->id, loop_now(), &state);
    log_info("dump: peer",
             "peer=%llu state=%s user=\"%s\" name=\"%s\" leased=%llu running=%llu done=%llu "
             "silent_ms=%lld draining=%d",
             (unsigned long long)peer->id, peer->gone ? "gone" : states[peer->state], peer->user,
             peer->reg.name, (unsigned long long)(state.leased + state.running),
             (unsigned long long)state.running, (unsigned long long)peer->results,
             (long long)((loop_now() - peer->last_heard) / NS_PER_MS), peer->draining);
}

static void dump_step(void *arg, uint32_t step, const char *text)
{
    const struct server_job *job = arg;
    log_info("dump: step", "job=%llu step=%u why=\"%s\"", (unsigned long long)job->id, step + 1,
             text);
}

static void dump_job(struct server_job *job)
{
    const struct out_stream *stream;
    log_info("dump: job",
             "job=%llu name=\"%s\" state=%s detached=%d records=%llu record_bytes=%llu "
             "wants=%llu",
             (unsigned long long)job->id, job->plan->name,
             job->ended     ? "ended"
             : job->discard ? "ending"
                            : "running",
             is_detached(job), (unsigned long long)job->records.next,
             (unsigned long long)job->records.bytes,
             (unsigned long long)(job->want_open ? job->want.chunks : 0));
    LIST_FOREACH (stream, &job->readers, of_job)
        log_info("dump: stream", "job=%llu stream=%llu client=%llu at=%llu taken=%llu may=%llu",
                 (unsigned long long)job->id, (unsigned long long)stream->id,
                 (unsigned long long)(stream->client->peer ? stream->client->peer->id : 0),
                 (unsigned long long)stream->cursor.offset, (unsigned long long)stream->taken,
                 (unsigned long long)stream->offset_end);
    core_explain(job->server->core, job->id, dump_step, job);
}

static void dump_tasks(void)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    if (!out)
        return;
    loop_dump(out);
    fclose(out);
    for (char *line = text, *end; (end = strchr(line, '\n')); line = end + 1) {
        *end = '\0';
        log_info("dump: loop", "task=\"%s\"", line);
    }
    free(text);
}

void server_dump(const struct server *server)
{
    dump_service(server);
    for (const struct peer *peer = server->by_place; peer; peer = peer->by_place.next)
        dump_peer(peer);
    for (struct server_job *job = server->jobs; job; job = job->hh.next)
        dump_job(job);
    dump_tasks();
}
