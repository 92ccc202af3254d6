// From the core's deliveries to a job's records.
//
// In: ACT_DELIVER and ACT_JOB_END, from perform.c. Out: records in the job's pages (records.h),
// streams marked as dirty, failed chunks kept for a retry (redo.h).
//
// Nothing is sent from here except a last WANT, which makes a feeding client stop. If memory
// runs out for a record, its job is cancelled. If the records' file can't be written, they stay in
// memory and the job gets no more credit. deliver_end() and deliver_settled() may forget
// jobs.
#include "coordinator/delivery.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/container.h"
#include "base/log.h"
#include "coordinator/feeder.h"
#include "coordinator/peer.h"
#include "coordinator/server_job.h"
#include "coordinator/shell.h"
#include "pipelines/input/matrix.h"

// The text of an item that is only described: a number of a range, a row of a matrix. The record
// goes without it when memory runs out.
static void name_item(const struct server_job *job, const struct delivery *d, struct buf *text,
                      struct record_entry *record)
{
    const struct source *source = &job->plan->source;
    const struct range *range = &source->range;
    if (d->step != 0 || d->items != 1 || d->item.len || d->kind != RUN_RANGE)
        return;
    int r =
        source->kind == SOURCE_MATRIX
            ? matrix_text(source->matrix, d->item_first, text)
            : buf_printf(text, "%" PRId64,
                         (int64_t)((uint64_t)range->start + d->item_first * (uint64_t)range->step));
    if (r < 0)
        return;
    record->item = text->data;
    record->item_len = text->len;
}

// The core knows only the loop's time; here it becomes wall time.
static int64_t wall_start(const struct server *server, const struct delivery *d)
{
    int64_t start = d->ended + server->wall_ns - d->ending.run_ns;
    return d->ended && start > 0 ? start : 0;
}

static void mark_readers(const struct server_job *job)
{
    struct out_stream *stream;
    LIST_FOREACH (stream, &job->readers, of_job)
        stream_mark(stream);
}

// The kept results of chunks before that number take their places.
static void deliver_kept(struct server_job *job, uint64_t before)
{
    struct kept *kept = &job->kept;
    while (!job->broken && kept->has_next && kept->next.chunk < before) {
        int r = job_records_add(&job->records, &kept->next, kept->errors, kept->n_errors,
                                kept->parts, kept->n_parts);
        if (r != -ENOMEM && (r = kept_advance(kept)) == 0)
            continue;
        job->broken = true;
        server_job_cancel(job, CANCEL_KILL);
    }
}

// What all jobs keep of their failed chunks is in memory.
static void keep_failed(struct server_job *job, const struct delivery *d)
{
    uint64_t *all = &job->server->keeper.failed_bytes, before = job->failed.bytes;
    if (*all + d->payload.len > KEEPER_FAILED)
        job->failed.is_short = true;
    else
        redo_keep(&job->failed, d);
    *all += job->failed.bytes - before;
}

void deliver_record(struct server_job *job, const struct delivery *d)
{
    _cleanup_(buf_done)
    struct buf text = {0};
    job->delivered_bytes += d->bytes;
    if (job->discard)
        return;
    deliver_kept(job, job->plan->order == ORDER_INPUT ? d->chunk : UINT64_MAX);
    const struct peer *peer = peer_of_id(job->server, d->worker);
    const char *worker = peer ? peer->reg.name : "";
    struct record_entry record = {
        .step = d->step,
        .chunk = d->chunk,
        .attempt = d->attempt,
        .partial = d->partial,
        .ending = d->ending,
        .start_ns = wall_start(job->server, d),
        .worker = worker,
        .worker_len = strlen(worker),
        .item_first = d->item_first,
        .items = d->items,
        .item = d->item.data,
        .item_len = d->item.len,
        .error = d->error,
        .error_len = d->error ? strlen(d->error) : 0,
        .stderr_text = (const char *)d->stderr_text.data,
        .stderr_len = d->stderr_text.len,
    };
    name_item(job, d, &text, &record);
    if (d->ending.outcome != OUTCOME_OK && d->step == 0 && is_detached(job))
        keep_failed(job, d);
    // Bytes meant as input of a later step are not results of the job.
    bool is_shown = d->ending.outcome == OUTCOME_OK || d->step + 1 == job->plan->n_steps ||
                    !job->plan->sink.failed_too;
    is_shown = is_shown && server_job_keeps_bytes(job);
    int r = job_records_add(&job->records, &record, d->errors, d->n_errors, d->parts,
                            is_shown ? d->n_parts : 0);
    if (r == -ENOMEM) {
        job->broken = true;
        server_job_cancel(job, CANCEL_KILL);
    } else if (r < 0 && !job->full_at) {
        job->full_at = job->records.bytes;
        job->server->room_is_full = true;
        log_warn("records stay in memory: their file can't be written", "job=%llu reason=\"%s\"",
                 (unsigned long long)job->id, strerror(-r));
    }
    server_job_grant_more(job);
    mark_readers(job);
}

// What the sink says counts unless the job had a reason of its own to end.
static void judge_sink(struct server_job *job)
{
    struct job_summary *s = &job->summary;
    if (!job->sink_failed || (!fate_is_whole(s->fate) && s->fate != FATE_CANCELLED))
        return;
    s->fate = FATE_SINK;
    snprintf(s->text, sizeof(s->text), "%s", job->sink_text);
}

// Readers get END. The job may be forgotten.
static void end_job(struct server_job *job)
{
    const struct job_summary *s = &job->summary;
    judge_sink(job);
    attending_unlist(job);
    job->ended = true;
    job->took = loop_now() - job->began;
    timer_cancel(&job->timeout);
    mark_readers(job);
    if (s->fate == FATE_SINK)
        log_warn("results could not be written", "job=%llu path=\"%s\" reason=\"%s\"",
                 (unsigned long long)job->id, job->plan->sink.path, s->text);
    log_info("job ended", "job=%llu ok=%llu failed=%llu", (unsigned long long)job->id,
             (unsigned long long)s->ok, (unsigned long long)s->failed);
    needs_ended(job);
    server_job_close_records(job);
    if (is_detached(job) && !job->discard)
        keeper_keep(job);
    else
        server_job_forget_if_unwanted(job);
}

void deliver_end(struct server_job *job, const struct job_summary *summary)
{
    deliver_kept(job, UINT64_MAX);
    job->over = true;
    job->summary = *summary;
    if (job->broken)
        job->summary.fate = FATE_INTERNAL;
    feeder_stop(job);
    if (attending_over(job))
        end_job(job);
    else
        mark_readers(job); // its attendant
}

void deliver_settled(struct server *server)
{
    struct attending *a, *next;
    for (a = TAILQ_FIRST(&server->settled); a; a = next) {
        struct server_job *job = container_of(a, struct server_job, attending);
        next = TAILQ_NEXT(a, in_settled);
        if (job->over)
            end_job(job);
    }
}
