#include "coordinator/job_row.h"

#include <stdio.h>
#include <string.h>

#include "coordinator/server_job.h"
#include "coordinator/shell.h"

uint64_t server_job_records_max(const struct server_job *job)
{
    uint64_t max = job->server->options.spool_bytes;
    if (max < SERVER_SPOOL_MIN)
        max = SERVER_SPOOL_MIN;
    return job->full_at && job->full_at < max ? job->full_at : max;
}

static void size_words(uint64_t bytes, char ret[32])
{
    static const char *const units[] = {"bytes", "KiB", "MiB", "GiB", "TiB"};
    unsigned unit = 0;
    while (bytes >= 1024 && bytes % 1024 == 0 && unit < 4) {
        bytes /= 1024;
        unit++;
    }
    snprintf(ret, 32, "%llu %s", (unsigned long long)bytes, units[unit]);
}

void server_job_stall_words(const struct server_job *job, char *ret, size_t size)
{
    unsigned long long id = job->id;
    char limit[32];
    size_words(server_job_records_max(job), limit);
    ret[0] = '\0';
    if (!job->stalled || job->ended)
        return;
    if (job->full_at)
        snprintf(ret, size,
                 "stalled: its results can't be written to the spool folder, %s wait in memory; "
                 "make room there, or read them with 'fanmill results %llu --follow'",
                 limit, id);
    else
        snprintf(ret, size,
                 "stalled: its results fill the spool limit (%s); read them with 'fanmill results "
                 "%llu --follow' or raise --spool-limit",
                 limit, id);
}

static uint8_t fate_of(const struct server_job *job)
{
    bool was_late = job->timed_out && job->summary.fate == FATE_CANCELLED;
    return (uint8_t)(was_late ? FATE_TIMEOUT : job->summary.fate);
}

// As the coordinator's machine knows it. A path that is too long for the row is not told.
static void sink_words(const struct plan *plan, char *ret, size_t size)
{
    const struct sink *sink = &plan->sink;
    if (sink->kind != SINK_FILE && sink->kind != SINK_DIR)
        return;
    bool is_absolute = *sink->path == '/';
    size_t len = strlen(sink->path);
    bool slash = sink->kind == SINK_DIR && len && sink->path[len - 1] != '/';
    int n = snprintf(ret, size, "%s%s%s%s", is_absolute ? "" : plan->directory,
                     is_absolute ? "" : "/", sink->path, slash ? "/" : "");
    if (n < 0 || (size_t)n >= size)
        *ret = '\0';
}

void server_job_row(const struct server_job *job, struct job_info *ret)
{
    struct core_progress p = {.summary = job->summary};
    if (!job->over)
        core_job_progress(job->server->core, job->id, &p);
    const struct job_summary s = p.summary;
    uint64_t chunks = p.waiting + p.leased + p.running + s.ok + s.failed + s.cancelled + s.unrun;
    *ret = (struct job_info){
        .id = job->id,
        .phase = job->ended                  ? PHASE_ENDED
                 : job->over || job->discard ? PHASE_ENDING
                                             : PHASE_RUNNING,
        .fate = job->over ? fate_of(job) : FATE_COMPLETE,
        .detached = is_detached(job),
        .failed_too = job->plan->sink.failed_too,
        .created_ms = job->created_ms,
        .age_ns = job->ended ? job->took : loop_now() - job->began,
        .priority = job->plan->priority,
        .waits = (uint8_t)p.waits,
        .held = !job->ended && job->needs.blocks & BLOCK_HELD,
        .total = job->over                ? chunks
                 : job->plan->n_steps > 1 ? UINT64_MAX
                 : job->again.n           ? job->again.n
                 : job->source            ? source_total(job->source)
                                          : job->attending.total,
        .chunks = chunks,
        .waiting = p.waiting,
        .leased = p.leased,
        .running = p.running,
        .ok = s.ok,
        .failed = s.failed,
        .cancelled = s.cancelled,
        .unrun = s.unrun,
        .retries = s.retries,
        .records = job->records.next,
        .first_code = s.first_code,
    };
    snprintf(ret->name, sizeof(ret->name), "%s", job->plan->name);
    memcpy(ret->owner, job->owner, sizeof(ret->owner));
    memcpy(ret->text, s.text, sizeof(ret->text));
    needs_words(job, ret->needs, sizeof(ret->needs));
    if (!ret->text[0])
        server_job_stall_words(job, ret->text, sizeof(ret->text));
    if (ret->detached)
        sink_words(job->plan, ret->sink, sizeof(ret->sink));
}

// What the stage runs, in words.
static void stage_words(const struct stage *stage, char *ret, size_t size)
{
    size_t n = 0;
    ret[0] = '\0';
    if (stage->kind == STAGE_KERNEL)
        snprintf(ret, size, "%s", stage->function);
    for (size_t i = 0; i < stage->n_words && n < size; i++)
        n += (size_t)snprintf(ret + n, size - n, "%s%s", i ? " " : "", stage->words[i]);
}

void server_running_row(const struct server_job *job, const struct core_running *chunk,
                        struct running_info *ret)
{
    const struct peer *worker = peer_of_id(job->server, chunk->worker);
    *ret = (struct running_info){.job = job->id,
                                 .step = chunk->step,
                                 .chunk = chunk->chunk,
                                 .attempt = chunk->attempt,
                                 .worker = chunk->worker,
                                 .age_ns = loop_now() - chunk->began,
                                 .item_first = chunk->item_first,
                                 .items = chunk->items};
    if (worker)
        memcpy(ret->name, worker->reg.name, sizeof(ret->name));
    size_t len = chunk->item.len < sizeof(ret->text) ? chunk->item.len : sizeof(ret->text) - 1;
    if (len)
        memcpy(ret->text, chunk->item.data, len);
    else
        stage_words(&job->plan->steps[chunk->step].stages[0], ret->text, sizeof(ret->text));
}
