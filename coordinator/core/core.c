#include "coordinator/core/core.h"

#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/container.h"
#include "coordinator/core/place.h"

int core_new(const struct core_options *options, struct core **ret)
{
    struct core *core = calloc(1, sizeof(*core));
    if (!core)
        return -ENOMEM;
    core->options = *options;
    if (!core->options.window_bytes)
        core->options.window_bytes = CORE_WINDOW_BYTES;
    if (!core->options.silence_ns)
        core->options.silence_ns = PROTO_SILENCE_NS;
    TAILQ_INIT(&core->touched);
    TAILQ_INIT(&core->shapes);
    core->reserve_at = CLOCK_FOREVER;
    heap_init(&core->retries);
    heap_init(&core->silences);
    heap_init(&core->asides);
    heap_init(&core->answers);
    core->recall_at = CLOCK_FOREVER;
    *ret = core;
    return 0;
}

uint64_t core_held_bytes(const struct core *core)
{
    return core->held_bytes;
}

struct core *core_free(struct core *core)
{
    if (!core)
        return NULL;
    struct core_job *job, *next_job;
    HASH_ITER (hh, core->jobs, job, next_job)
        job_free(core, job);
    struct core_worker *worker, *next_worker;
    HASH_ITER (hh, core->workers, worker, next_worker)
        worker_free(core, worker);
    heap_done(&core->retries);
    heap_done(&core->silences);
    heap_done(&core->asides);
    heap_done(&core->answers);
    chunk_slabs_free(core);
    free(core);
    return NULL;
}

static void tick(struct core *core, struct actions *actions)
{
    struct heap_node *node;
    uint64_t chunks = 0;
    // What is due beyond that stays due: the next tick is at once.
    while ((node = heap_first(&core->retries)) && node->deadline <= core->now &&
           chunks++ < CORE_TICK_CHUNKS) {
        struct chunk *chunk = container_of(node, struct chunk, retry);
        chunk_unqueue(core, chunk);
        chunk_make_pending(core, chunk);
    }
    while ((node = heap_first(&core->silences)) && node->deadline <= core->now &&
           chunks < CORE_TICK_CHUNKS) {
        struct core_worker *worker = container_of(node, struct core_worker, silence);
        chunks += 1 + worker->leased.n;
        worker_silence_due(core, worker, actions);
    }
    while ((node = heap_first(&core->answers)) && node->deadline <= core->now)
        worker_answer_due(core, container_of(node, struct core_worker, answer), actions);
    asides_tick(core);
}

// Of jobs in which something has happened. What is gathered or leased touches them, too.
static void flush_jobs(struct core *core, struct actions *actions)
{
    struct core_job *job;
    TAILQ_FOREACH (job, &core->touched, in_touched) {
        job_gather(core, job, actions);
        job_check_until(core, job, actions);
    }
    TAILQ_FOREACH (job, &core->touched, in_touched)
        job_settle(core, job);
    core_schedule(core, actions);
    core_reserve(core);
    core_recall(core, actions);
    while ((job = TAILQ_FIRST(&core->touched))) {
        job_untouch(core, job);
        if (!job_try_end(core, job, actions))
            job_want(core, job, actions);
    }
}

static void flush(struct core *core, struct actions *actions)
{
    flush_jobs(core, actions);
    struct core_worker *worker, *next_worker;
    HASH_ITER (hh, core->workers, worker, next_worker) {
        if (worker->seen_seq <= worker->acked_seq)
            continue;
        struct action *action = action_add(actions, ACT_ACK, 0, worker->id);
        if (!action)
            return;
        action->seq = worker->acked_seq = worker->seen_seq;
    }
}

static int handle_job(struct core *core, const struct event *event, struct actions *actions)
{
    struct core_job *job = job_find(core, event->job);
    if (!job) {
        if (event->type == EV_FED)
            run_done(event->run);
        if (event->type == EV_FETCHED)
            slice_drop(event->fetched.bytes);
        return -EINVAL;
    }
    job_touch(core, job);
    switch (event->type) {
    case EV_FED: {
        int r = job_fed(core, job, event->run);
        if (r < 0) {
            job_say(job, "out of memory");
            job_wind_down(core, job, FATE_INTERNAL, CANCEL_KILL, actions);
        }
        return r;
    }
    case EV_FED_END:
        job_fed_end(core, job, event->fed_end.code, event->fed_end.text, actions);
        return 0;
    case EV_FETCHED:
        job_fetched(core, job, event, actions);
        return 0;
    case EV_STREAM_CREDIT:
        if (event->stream_credit.items > job->credit_items)
            job->credit_items = event->stream_credit.items;
        if (event->stream_credit.bytes > job->credit_bytes)
            job->credit_bytes = event->stream_credit.bytes;
        return 0;
    case EV_CANCEL_CHUNKS: {
        uint64_t n = job_cancel_chunks(core, job, &event->cancel_chunks.range, actions);
        if (event->cancel_chunks.ret_n)
            *event->cancel_chunks.ret_n = n;
        return 0;
    }
    case EV_BLOCK:
        job->blocks = event->set_blocks;
        if (job->blocks)
            job_recall(core, job, actions);
        return 0;
    case EV_NEED_FAILED:
        if (job->state == JOB_RUNNING)
            job_say(job, "%s", event->need_text);
        job_wind_down(core, job, FATE_NEEDS, CANCEL_QUEUED, actions);
        return 0;
    default:
        job_wind_down(core, job, FATE_CANCELLED, event->cancel, actions);
        return 0;
    }
}

static int handle_worker(struct core *core, const struct event *event, struct actions *actions)
{
    struct core_worker *worker = worker_find(core, event->worker);
    if (!worker)
        return -EINVAL;
    worker->last_seen = core->now;
    switch (event->type) {
    case EV_WORKER_CREDIT:
        worker_credit(core, worker, &event->credit);
        return 0;
    case EV_RESULT:
        return core_result(core, worker, event, actions);
    case EV_RETURN:
        return core_return(core, worker, event->job, &event->back, actions);
    case EV_BEGUN:
        return core_begun(core, worker, &event->begun, actions);
    case EV_WORKER_DRAIN:
        worker->draining = true;
        if (worker->kept_for)
            step_unreserve(worker->kept_for);
        return 0;
    case EV_KEEP:
        return core_keep(core, worker, event->job, &event->back, actions);
    case EV_WORKER_BACK:
        worker_back(core, worker, actions);
        return 0;
    case EV_WORKER_DOWN:
        worker_down(core, worker, event->reason ? event->reason : "connection lost", actions);
        return 0;
    default:
        return 0;
    }
}

int core_handle(struct core *core, const struct event *event, int64_t now, struct actions *actions)
{
    if (now > core->now)
        core->now = now;
    switch (event->type) {
    case EV_SUBMIT:
        return job_submit(core, event->job, event->plan, event->blocks);
    case EV_WORKER_UP:
        return worker_up(core, event->worker, event->reg);
    case EV_FED:
    case EV_FED_END:
    case EV_FETCHED:
    case EV_STREAM_CREDIT:
    case EV_CANCEL:
    case EV_CANCEL_CHUNKS:
    case EV_BLOCK:
    case EV_NEED_FAILED:
        return handle_job(core, event, actions);
    case EV_WORKER_CREDIT:
    case EV_RESULT:
    case EV_RETURN:
    case EV_BEGUN:
    case EV_WORKER_ALIVE:
    case EV_WORKER_DRAIN:
    case EV_WORKER_DOWN:
    case EV_WORKER_BACK:
    case EV_KEEP:
        return handle_worker(core, event, actions);
    case EV_HOLD:
        core_touch_all(core);
        core->options.held_bytes = event->held_bytes;
        return 0;
    case EV_TICK:
        tick(core, actions);
        return 0;
    case EV_FLUSH:
        flush(core, actions);
        return 0;
    case EV_COUNT:
        break;
    }
    return -EINVAL;
}

int64_t core_next_deadline(const struct core *core)
{
    const struct heap_node *retry = heap_first(&core->retries);
    const struct heap_node *silence = heap_first(&core->silences);
    const struct heap_node *answer = heap_first(&core->answers);
    int64_t next = retry ? retry->deadline : CLOCK_FOREVER;
    const struct heap_node *aside = heap_first(&core->asides);
    if (silence && silence->deadline < next)
        next = silence->deadline;
    if (aside && aside->deadline < next)
        next = aside->deadline;
    if (answer && answer->deadline < next)
        next = answer->deadline;
    if (core->reserve_at < next)
        next = core->reserve_at;
    return core->recall_at < next ? core->recall_at : next;
}

void core_stats(const struct core *core, struct core_stats *ret)
{
    struct core_stats stats = core->stats;
    stats.slots = core->slots;
    for (const struct core_job *job = core->jobs; job; job = job->hh.next) {
        stats.jobs++;
        for (uint32_t i = 0; i < job->n_steps; i++)
            stats.held_bytes += job->steps[i].input_bytes + job->steps[i].held_bytes;
    }
    *ret = stats;
}
