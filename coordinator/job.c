// A job's handle and its result stream.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "coordinator/internal.h"

#define RING_CAP_MIN 64u

struct server_job *server_job_find(const struct server *server, uint64_t id)
{
    struct server_job *job = NULL;
    HASH_FIND(hh, server->jobs, &id, sizeof id, job);
    return job;
}

// Credit is renewed when half of it is used up, so that it costs an event per many records.
static void grant(struct server_job *job)
{
    uint64_t items = job->taken + SERVER_STREAM_ITEMS;
    uint64_t bytes = job->taken_bytes + SERVER_STREAM_BYTES;
    if (job->ended || (items - job->granted < SERVER_STREAM_ITEMS / 2 &&
                       bytes - job->granted_bytes < SERVER_STREAM_BYTES / 2))
        return;
    job->granted = items;
    job->granted_bytes = bytes;
    struct event event = {.type = EV_STREAM_CREDIT, .job = job->id};
    event.stream_credit.items = items;
    event.stream_credit.bytes = bytes;
    server_event(job->server, &event);
}

int server_submit(struct server *server, const struct plan *plan, struct source_reader *source,
                  struct server_job **ret, struct err *err)
{
    struct server_job *job = calloc(1, sizeof *job);
    if (!job) {
        source_close(source);
        return err_set(err, -ENOMEM, "out of memory");
    }
    job->server = server;
    job->id = ++server->next_job;
    job->plan = plan;
    job->source = source;
    int r = server_event(server, &(struct event){.type = EV_SUBMIT, .job = job->id, .plan = plan});
    if (r < 0) {
        source_close(source);
        free(job);
        return err_set(err, r, "the job can't be taken in");
    }
    HASH_ADD(hh, server->jobs, id, sizeof job->id, job);
    grant(job);
    r = feeder_start(job);
    if (r < 0) {
        server_job_close(job);
        return err_set(err, r, "out of memory");
    }
    *ret = job;
    return 0;
}

static bool ring_reserve(struct server_job *job)
{
    if (job->ring_len < job->ring_cap)
        return true;
    size_t cap = job->ring_cap ? job->ring_cap * 2 : RING_CAP_MIN;
    struct delivery **ring = malloc(cap * sizeof *ring);
    if (!ring)
        return false;
    for (size_t i = 0; i < job->ring_len && job->ring_cap; i++)
        ring[i] = job->ring[(job->ring_first + i) % job->ring_cap];
    free(job->ring);
    job->ring = ring;
    job->ring_cap = cap;
    job->ring_first = 0;
    return true;
}

void server_job_deliver(struct server_job *job, struct delivery *delivery)
{
    if (job->discard) {
        job->taken++;
        job->taken_bytes += delivery->bytes;
        grant(job);
        return;
    }
    struct delivery *own = malloc(sizeof *own);
    if (!own || !ring_reserve(job)) {
        free(own);
        job->lost_memory = true;
        server_job_cancel(job, CANCEL_KILL);
        return;
    }
    *own = *delivery;
    *delivery = (struct delivery){0};
    job->ring[(job->ring_first + job->ring_len++) % job->ring_cap] = own;
    if (job->ring_len == 1)
        waitq_wake_one(&job->consumer);
}

void server_job_ended(struct server_job *job, const struct job_summary *summary)
{
    job->ended = true;
    job->summary = *summary;
    if (job->lost_memory)
        job->summary.end = END_INTERNAL;
    waitq_wake_all(&job->consumer);
    waitq_wake_all(&job->feeder);
}

bool server_job_ready(const struct server_job *job)
{
    return job->ring_len > 0 || job->ended;
}

int server_job_next(struct server_job *job, struct delivery **ret)
{
    while (job->ring_len == 0) {
        if (job->ended)
            return 0;
        int r = waitq_wait(&job->consumer);
        if (r < 0)
            return r;
    }
    struct delivery *delivery = job->ring[job->ring_first];
    job->ring_first = (job->ring_first + 1) % job->ring_cap;
    job->ring_len--;
    job->taken++;
    job->taken_bytes += delivery->bytes;
    grant(job);
    *ret = delivery;
    return 1;
}

void server_delivery_free(struct delivery *delivery)
{
    if (!delivery)
        return;
    delivery_done(delivery);
    free(delivery);
}

void server_job_cancel(struct server_job *job, uint32_t mode)
{
    if (!job->ended)
        server_event(job->server,
                     &(struct event){.type = EV_CANCEL, .job = job->id, .cancel_mode = mode});
}

bool server_job_summary(const struct server_job *job, struct job_summary *ret,
                        uint64_t *ret_running)
{
    *ret = job->summary;
    *ret_running = 0;
    if (!job->ended)
        core_job_progress(job->server->core, job->id, ret, ret_running);
    return job->ended;
}

uint64_t server_job_total(const struct server_job *job)
{
    return source_total(job->source);
}

struct server_job *server_job_close(struct server_job *job)
{
    if (!job)
        return NULL;
    feeder_stop(job);
    // The core borrows the plan until the job's end, so the rest is waited for and dropped.
    job->discard = true;
    server_job_cancel(job, CANCEL_KILL);
    grant(job);
    struct scope shield;
    scope_enter_shield(&shield, PROTO_SILENCE_NS);
    while (!job->ended && waitq_wait(&job->consumer) == 0)
        ;
    scope_leave(&shield);
    for (; job->ring_len > 0; job->ring_len--) {
        server_delivery_free(job->ring[job->ring_first]);
        job->ring_first = (job->ring_first + 1) % job->ring_cap;
    }
    HASH_DELETE(hh, job->server->jobs, job);
    source_close(job->source);
    free(job->ring);
    free(job);
    return NULL;
}

struct job_stream {
    struct stream stream;
    struct server_job *job;
};

static int stream_next_record(struct stream *s, void **ret)
{
    struct delivery *delivery;
    int r = server_job_next(((struct job_stream *)s)->job, &delivery);
    if (r == 1)
        *ret = delivery;
    return r;
}

static void stream_close_job(struct stream *s)
{
    server_job_close(((struct job_stream *)s)->job);
    free(s);
}

static void drop_record(void *item)
{
    server_delivery_free(item);
}

struct stream *server_job_stream(struct server_job *job)
{
    static const struct stream_ops ops = {stream_next_record, stream_close_job};
    struct job_stream *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    s->stream = (struct stream){.ops = &ops, .drop = drop_record};
    s->job = job;
    return &s->stream;
}
