// A job in the shell: where its chunks come from and where its records go.
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/container.h"
#include "base/log.h"
#include "coordinator/internal.h"
#include "pipelines/source/extent.h"
#include "pipelines/source/matrix.h"

#define STREAM_BYTES (32ull << 20) // records between core and client

struct server_job *server_job_find(const struct server *server, uint64_t id)
{
    struct server_job *job = NULL;
    HASH_FIND(hh, server->jobs, &id, sizeof(id), job);
    return job;
}

struct server_job *job_by_key(const struct server *server, const uint8_t *key)
{
    struct server_job *job = NULL;
    HASH_FIND(by_key, server->by_key, key, PROTO_SESSION_BYTES, job);
    return job;
}

void job_cancel(struct server_job *job, uint32_t mode)
{
    if (!job->ended)
        server_event(job->server,
                     &(struct event){.type = EV_CANCEL, .job = job->id, .cancel_mode = mode});
}

// What was delivered and not sent counts against what the reader is ready for, so that credit is
// left whenever the reader has taken all.
static uint64_t bytes_ready(const struct server_job *job)
{
    const struct out_stream *reader = job->readers;
    uint64_t room;
    if (job->discard)
        return UINT64_MAX / 2;
    if (job->flags & SUBMIT_DETACHED) {
        uint64_t max = job->server->options.spool_bytes;
        if (job->full_at && job->full_at < max)
            max = job->full_at;
        return max > job->records.bytes ? max - job->records.bytes : 0;
    }
    room = reader && reader->bytes > reader->sent_bytes ? reader->bytes - reader->sent_bytes : 0;
    if (room > STREAM_BYTES)
        room = STREAM_BYTES;
    uint64_t behind =
        reader && reader->is_placed ? job_records_after(&job->records, &reader->cursor) : 0;
    return room > behind ? room - behind : 0;
}

void job_grant(struct server_job *job)
{
    uint64_t items = job->readers ? job->readers->offset_end : 0;
    if (job->discard || (job->flags & SUBMIT_DETACHED))
        items = UINT64_MAX / 2;
    uint64_t bytes = job->delivered_bytes + bytes_ready(job);
    if (job->ended || (items <= job->granted && bytes <= job->granted_bytes))
        return;
    job->granted = items > job->granted ? items : job->granted;
    job->granted_bytes = bytes > job->granted_bytes ? bytes : job->granted_bytes;
    struct event event = {.type = EV_STREAM_CREDIT, .job = job->id};
    event.stream_credit.items = job->granted;
    event.stream_credit.bytes = job->granted_bytes;
    server_event(job->server, &event);
}

void redo_done(struct redo_list *list)
{
    for (size_t i = 0; i < list->n; i++)
        slice_drop(&list->list[i].payload);
    free(list->list);
    *list = (struct redo_list){0};
}

static void on_timeout(struct timer *timer)
{
    struct server_job *job = container_of(timer, struct server_job, timeout);
    job->timed_out = true;
    job_cancel(job, CANCEL_RUNNING);
}

// The oldest that has ended and that nobody reads makes room.
static int make_room(struct server *server, struct err *err)
{
    if (HASH_CNT(hh, server->jobs) < SERVER_JOBS_MAX)
        return 0;
    for (struct server_job *job = server->jobs; job; job = job->hh.next)
        if (job->ended && !job->readers && !job->client) {
            job_forget(job);
            return 0;
        }
    return err_set(err, -EBUSY, "%u jobs are running already", SERVER_JOBS_MAX);
}

static void submission_done(struct submission *s)
{
    plan_free(s->plan);
    source_close(s->source);
    if (s->again)
        redo_done(s->again);
}

static struct server_job *job_new(struct server *server, struct submission *s)
{
    struct server_job *job = calloc(1, sizeof(*job));
    if (!job)
        return NULL;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    job->server = server;
    job->id = ++server->next_job;
    job->plan = take(s->plan);
    job->source = take(s->source);
    job->flags = s->message->flags;
    job->client = job->flags & SUBMIT_DETACHED ? NULL : s->client;
    memcpy(job->key, s->message->key, sizeof(job->key));
    memcpy(job->owner, s->client->user, sizeof(job->owner));
    job->created_ms = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
    job->began = loop_now();
    if (s->again) {
        job->again = *s->again;
        *s->again = (struct redo_list){0};
        job->runs_again = true;
    }
    bool keeps = job->flags & SUBMIT_DETACHED;
    job_records_init(&job->records, keeps ? server->options.spool_directory : NULL);
    return job;
}

int job_submitted(struct server *server, struct submission *s, struct server_job **ret,
                  struct err *err)
{
    int r = make_room(server, err);
    struct server_job *job = r < 0 ? NULL : job_new(server, s);
    if (!job) {
        submission_done(s);
        return r < 0 ? r : err_set(err, -ENOMEM, "out of memory");
    }
    r = server_event(server, &(struct event){.type = EV_SUBMIT, .job = job->id, .plan = job->plan});
    if (r < 0) {
        source_close(job->source);
        plan_free(job->plan);
        redo_done(&job->again);
        free(job);
        return err_set(err, r, "the job can't be taken in");
    }
    HASH_ADD(hh, server->jobs, id, sizeof(job->id), job);
    HASH_ADD(by_key, server->by_key, key, sizeof(job->key), job);
    server->counts.jobs++;
    if (s->message->timeout_ns > 0)
        timer_set(&job->timeout, clock_after(loop_now(), s->message->timeout_ns), on_timeout);
    job_grant(job);
    r = job->source ? feeder_start(job) : 0;
    if (r < 0) {
        job->client = NULL;
        job_abandon(job, CANCEL_KILL);
        return err_set(err, r, "out of memory");
    }
    job_check_hope(job);
    log_info("job submitted", "job=%llu name=%s owner=\"%s\"", (unsigned long long)job->id,
             job->plan->name, job->owner);
    if (server->options.job_changed)
        server->options.job_changed(server->options.arg, job->id, false);
    *ret = job;
    return 0;
}

void job_check_hope(struct server_job *job)
{
    char why[256];
    bool hopeless = !job->ended && core_job_hopeless(job->server->core, job->id, why, sizeof(why));
    if (hopeless && !job->hopeless)
        log_warn("a job waits for a worker that is not there", "job=%llu reason=\"%s\"",
                 (unsigned long long)job->id, why);
    job->hopeless = hopeless;
}

void job_abandon(struct server_job *job, uint32_t mode)
{
    job->client = NULL;
    job->discard = true;
    if (job->ended && !job->readers) {
        job_forget(job);
        return;
    }
    job_cancel(job, mode);
    job_grant(job);
}

void job_forget(struct server_job *job)
{
    struct server *server = job->server;
    while (job->readers)
        stream_end(job->readers, -ENOENT);
    timer_cancel(&job->timeout);
    HASH_DELETE(hh, server->jobs, job);
    HASH_DELETE(by_key, server->by_key, job);
    if (job->feeding) {
        job->forgotten = true;
        task_cancel(job->feeder_task);
        return;
    }
    job_release(job);
}

void job_release(struct server_job *job)
{
    if (job->feeder_task)
        task_unref(job->feeder_task);
    source_close(job->source);
    job_records_done(&job->records);
    redo_done(&job->failed);
    redo_done(&job->again);
    plan_free(job->plan);
    free(job);
}

static void keep_failed(struct server_job *job, struct delivery *d)
{
    struct redo_list *failed = &job->failed;
    if (d->step != 0 || !(job->flags & SUBMIT_DETACHED))
        return;
    if (failed->n >= SERVER_REDO_MAX || failed->bytes + d->payload.len > SERVER_REDO_BYTES) {
        failed->is_short = true;
        return;
    }
    if (failed->n == failed->cap) {
        size_t cap = failed->cap ? failed->cap * 2 : 16;
        struct redo *list = reallocarray(failed->list, cap, sizeof(*list));
        if (!list) {
            failed->is_short = true;
            return;
        }
        failed->list = list;
        failed->cap = cap;
    }
    // A copy: the payload may be a small part of something large.
    struct redo *redo = &failed->list[failed->n];
    *redo = (struct redo){.kind = d->kind,
                          .item_first = d->item_first,
                          .items = d->items,
                          .items_per_chunk = d->items_per_chunk};
    if (d->payload.len && slice_copy(d->payload.data, d->payload.len, &redo->payload) < 0) {
        failed->is_short = true;
        return;
    }
    failed->bytes += d->payload.len;
    failed->n++;
}

static void mark_readers(const struct server_job *job)
{
    for (struct out_stream *stream = job->readers; stream; stream = stream->next_reader)
        stream_mark(stream);
}

// The item of a chunk that is only described, as text: a number of a range, a row of a matrix.
// Without memory for it the record has no item.
static void name_item(const struct server_job *job, const struct delivery *d, struct buf *text,
                      struct wire_record *record)
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

// The core knows the loop's time only; here it meets the wall's.
static int64_t wall_start(const struct server *server, const struct delivery *d)
{
    int64_t start = d->ended + server->wall_ns - d->ending.run_ns;
    return d->ended && start > 0 ? start : 0;
}

void job_record(struct server_job *job, struct delivery *d)
{
    _cleanup_(buf_done)
    struct buf text = {0};
    job->delivered_bytes += d->bytes;
    if (job->discard)
        return;
    const struct peer *peer = peer_of_worker(job->server, d->worker);
    const char *worker = peer ? peer->reg.name : "";
    struct wire_record record = {
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
    if (d->ending.outcome != OUTCOME_OK)
        keep_failed(job, d);
    // What was to become a later step's input is no result of the job.
    bool is_shown = d->ending.outcome == OUTCOME_OK || d->step + 1 == job->plan->n_steps ||
                    !job->plan->sink.failed_too;
    int r = job_records_add(&job->records, &record, d->parts, is_shown ? d->n_parts : 0);
    if (r == -ENOMEM) {
        job->broken = true;
        job_cancel(job, CANCEL_KILL);
    } else if (r < 0 && !job->warned) {
        job->warned = true;
        job->full_at = job->records.bytes;
        log_warn("records stay in memory: their file can't be written", "job=%llu reason=\"%s\"",
                 (unsigned long long)job->id, strerror(-r));
    }
    mark_readers(job);
}

void job_ended(struct server_job *job, const struct job_summary *summary)
{
    struct server *server = job->server;
    job->ended = true;
    job->took = loop_now() - job->began;
    job->summary = *summary;
    if (job->broken)
        job->summary.end = END_INTERNAL;
    timer_cancel(&job->timeout);
    waitq_wake_all(&job->feeder);
    mark_readers(job);
    if (job->client && (job->flags & SUBMIT_FEEDS)) {
        job->want = (struct source_want){0};
        job->want_seq++;
        job_send_want(job);
    }
    log_info("job ended", "job=%llu ok=%llu failed=%llu", (unsigned long long)job->id,
             (unsigned long long)summary->ok, (unsigned long long)summary->failed);
    if (server->options.job_changed && !job->discard)
        server->options.job_changed(server->options.arg, job->id, true);
}

// ---- feeding

static void feed_again(struct server_job *job)
{
    uint64_t n = 0, bytes = 0;
    while (job->again_at < job->again.n && n < job->want.chunks &&
           (!n || bytes < job->want.bytes)) {
        struct redo *redo = &job->again.list[job->again_at++];
        struct run run = {.kind = (enum run_kind)redo->kind,
                          .count = 1,
                          .item_first = redo->item_first,
                          .items_per_chunk = redo->items_per_chunk,
                          .item_end = redo->item_first + redo->items,
                          .body = redo->payload};
        redo->payload = (struct slice){0};
        if (run.kind != RUN_RANGE) {
            run.lens = malloc(sizeof(*run.lens));
            if (!run.lens) {
                run_done(&run);
                job_cancel(job, CANCEL_KILL);
                return;
            }
            *run.lens = (uint32_t)run.body.len;
        }
        n++;
        bytes += run.body.len;
        server_event(job->server, &(struct event){.type = EV_FED, .job = job->id, .run = &run});
    }
    if (job->again_at == job->again.n)
        server_event(job->server, &(struct event){.type = EV_FED_END, .job = job->id});
}

void job_wanted(struct server_job *job, const struct source_want *want)
{
    job->want = *want;
    if (job->runs_again) {
        feed_again(job);
        return;
    }
    if (job->source) {
        job->wanted = true;
        waitq_wake_all(&job->feeder);
        return;
    }
    job->want_open = true;
    job->want_seq++;
    job_send_want(job);
}

void job_send_want(struct server_job *job)
{
    struct server *server = job->server;
    struct msg_want m = {.job = job->id,
                         .seq = job->want_seq,
                         .chunks = job->want.chunks < PROTO_RUN_CHUNKS_MAX ? job->want.chunks
                                                                           : PROTO_RUN_CHUNKS_MAX,
                         .bytes = job->want.bytes,
                         .mean_run_ns = job->want.mean_run_ns,
                         .slots = job->want.slots};
    buf_clear(&server->scratch);
    if (job->client && job->client->peer && msg_put_want(&server->scratch, &m) == 0)
        peer_send(server, job->client->peer);
}

// The client's own job that waits for this FEED; NULL: it comes too late or twice.
static struct server_job *fed_job(struct client *client, uint64_t id, uint64_t seq)
{
    struct server_job *job = server_job_find(client->server, id);
    bool fits = job && job->client == client && job->want_open && job->want_seq == seq;
    if (!fits)
        return NULL;
    job->want_open = false;
    return job;
}

int job_on_feed(struct client *client, const struct zmessage *m, struct err *err)
{
    struct server *server = client->server;
    struct lease fed;
    uint64_t seq;
    int r = msg_get_feed(&server->reader, m->header, m->header_len, m->body ? m->body->data : NULL,
                         m->body ? m->body->len : 0, &seq, &fed, err);
    struct server_job *job = r < 0 ? NULL : fed_job(client, fed.job, seq);
    if (!job)
        return r;
    if ((fed.kind == RUN_RANGE) != (fed.lens == NULL) || fed.count > job->want.chunks)
        return err_set(err, -EPROTO, "bad FEED message: chunks that were not asked for");
    struct run run = {.kind = (enum run_kind)fed.kind,
                      .count = fed.count,
                      .item_first = fed.item_first,
                      .items_per_chunk = fed.items_per_chunk,
                      .item_end = fed.item_end};
    if (fed.lens) {
        run.lens = malloc(fed.count * sizeof(*run.lens));
        if (!run.lens)
            return -ENOMEM;
        memcpy(run.lens, fed.lens, fed.count * sizeof(*run.lens));
    }
    if (fed.body_len && m->body)
        run.body = slice_of(m->body, (size_t)(fed.body - m->body->data), fed.body_len);
    server_event(server, &(struct event){.type = EV_FED, .job = job->id, .run = &run});
    return 0;
}

int job_on_feed_end(struct client *client, const struct zmessage *m, struct err *err)
{
    struct msg_feed_end fed;
    int r = msg_get_feed_end(m->header, m->header_len, &fed, err);
    struct server_job *job = r < 0 ? NULL : fed_job(client, fed.job, fed.seq);
    if (!job)
        return r;
    struct event event = {.type = EV_FED_END, .job = job->id};
    event.fed_end.code = fed.code < 0 ? fed.code : 0;
    event.fed_end.text = fed.text;
    return server_event(client->server, &event);
}

// ---- files that workers can't read

static void fetched(struct server_job *job, uint64_t chunk, int code, const char *text,
                    struct slice *bytes)
{
    struct event event = {.type = EV_FETCHED, .job = job->id};
    event.fetched.chunk = chunk;
    event.fetched.code = code;
    event.fetched.text = text;
    event.fetched.bytes = bytes;
    server_event(job->server, &event);
}

static void read_here(struct server_job *job, uint64_t chunk, const struct slice *data)
{
    _cleanup_(buf_done)
    struct buf out;
    struct slice bytes = {0};
    struct extent extent;
    struct err err = {0};
    buf_init(&out, PROTO_BODY_MAX);
    int r = extent_get(data->data, data->len, &extent);
    // Here the source was read: the file is the one that is meant, whatever became of it since.
    extent.file_size = 0;
    extent.mtime_ns = 0;
    if (r == 0)
        r = extent_read(&extent, &job->plan->source.record, job->plan->directory, &out, &err);
    if (r == 0)
        r = slice_copy(out.data, out.len, &bytes);
    fetched(job, chunk, r, err.text, &bytes);
}

void job_fetch(struct server_job *job, uint64_t chunk, const struct slice *extent)
{
    struct server *server = job->server;
    struct msg_fetch m = {
        .job = job->id, .chunk = chunk, .extent = extent->data, .extent_len = extent->len};
    if (!(job->flags & SUBMIT_FEEDS)) {
        read_here(job, chunk, extent);
        return;
    }
    buf_clear(&server->scratch);
    if (job->client && job->client->peer && msg_put_fetch(&server->scratch, &m) == 0)
        peer_send(server, job->client->peer);
}

int job_on_data(struct client *client, const struct zmessage *m, struct err *err)
{
    struct msg_data data;
    struct slice bytes = {0};
    int r = msg_get_data(m->header, m->header_len, &data, err);
    struct server_job *job = r < 0 ? NULL : server_job_find(client->server, data.job);
    if (!job || job->client != client)
        return r;
    if (m->body && data.code == 0)
        bytes = slice_of(m->body, 0, m->body->len);
    fetched(job, data.chunk, data.code < 0 ? data.code : 0, data.text, &bytes);
    return 0;
}

// ---- running again

static int copy_plan(const struct plan *plan, struct plan **ret, struct err *err)
{
    _cleanup_(buf_done)
    struct buf packed;
    buf_init(&packed, PROTO_PLAN_MAX);
    int r = plan_pack(plan, &packed);
    return r < 0 ? err_sys(err, r, "the job")
                 : plan_unpack(packed.data, packed.len, plan->partial, ret, err);
}

static int copy_failed(const struct redo_list *from, struct redo_list *ret)
{
    ret->list = calloc(from->n, sizeof(*ret->list));
    if (!ret->list)
        return -ENOMEM;
    for (size_t i = 0; i < from->n; i++) {
        ret->list[i] = from->list[i];
        if (from->list[i].payload.len)
            ret->list[i].payload = slice_ref(&from->list[i].payload);
    }
    ret->n = from->n;
    return 0;
}

static int check_retry(const struct server_job *job, bool failed_only, struct err *err)
{
    unsigned long long id = job->id;
    if (!job->ended)
        return err_set(err, -EBUSY, "job %llu has not ended", id);
    if (!(job->flags & SUBMIT_DETACHED))
        return err_set(err, -EINVAL, "job %llu is not a detached one", id);
    if (failed_only && job->failed.is_short)
        return err_set(err, -E2BIG,
                       "more chunks of job %llu failed than are kept; run all of it again", id);
    if (failed_only && job->failed.n == 0)
        return err_set(err, -ENOENT,
                       job->summary.failed ? "the chunks of job %llu that failed are of a later "
                                             "step; run all of it again"
                                           : "no chunk of job %llu failed",
                       id);
    return 0;
}

int job_retry(struct client *client, struct server_job *job, bool failed_only, uint64_t *ret_id,
              struct err *err)
{
    struct server *server = job->server;
    struct msg_submit message = {.flags = job->flags & ~(uint32_t)SUBMIT_FEEDS};
    struct redo_list again = {0};
    struct submission s = {.message = &message, .client = client};
    int r = check_retry(job, failed_only, err);
    if (r == 0)
        r = copy_plan(job->plan, &s.plan, err);
    if (r < 0)
        return r;
    // No client's key: the ids of this coordinator are unique enough.
    memcpy(message.key, &server->next_job, sizeof(server->next_job));
    if (failed_only) {
        r = copy_failed(&job->failed, &again);
        s.again = &again;
    } else {
        r = source_open(s.plan, &s.source, err);
    }
    if (r < 0) {
        submission_done(&s);
        return r == -ENOMEM ? err_set(err, r, "out of memory") : r;
    }
    struct server_job *next;
    r = job_submitted(server, &s, &next, err);
    if (r == 0)
        *ret_id = next->id;
    return r;
}
