#include "worker/pool/pool.h"

#include <errno.h>
#include <stdlib.h>

#include "worker/pool/begun.h"
#include "worker/pool/full.h"
#include "worker/pool/hand_out.h"
#include "worker/pool/intake.h"
#include "worker/pool/look.h"
#include "worker/pool/slot_control.h"
#include "worker/pool/zygote_line.h"

static void deliver(void *owner, struct lease_copy *copy, const struct result *result)
{
    if (!result->more)
        full_ended(owner);
    pool_deliver(owner, copy, result);
}

static void requeue(void *owner, struct lease_copy *copy, uint32_t index)
{
    struct pool *pool = owner;
    if (!copy->step->forgotten && backlog_push_front(&pool->queue, copy, index, index + 1) < 0)
        pool_fail(pool, -ENOMEM, "no memory for a chunk");
}

static void give_back(void *owner, struct lease_copy *copy, uint32_t index)
{
    struct pool *pool = owner;
    const struct lease *lease = &copy->lease;
    if (!copy->step->forgotten)
        pool->callbacks->returned(pool->arg, &(struct msg_return){.job = lease->job,
                                                                  .step = lease->step,
                                                                  .attempt = lease->attempt,
                                                                  .first = lease->first + index,
                                                                  .count = 1});
}

static void ask(void *owner, struct slot *slot, enum zygote_request request)
{
    zygote_line_ask(owner, slot, request);
}

static void refused(void *owner, struct slot *slot, int code)
{
    full_note(owner, slot, code);
}

static void wake(void *owner)
{
    pool_wake(owner);
}

static const struct slot_ops ops = {.deliver = deliver,
                                    .requeue = requeue,
                                    .give_back = give_back,
                                    .ask = ask,
                                    .refused = refused,
                                    .wake = wake};

int pool_new(struct zygote *zygote, uint32_t slots, const struct pool_callbacks *callbacks,
             void *arg, struct pool **ret, struct err *err)
{
    struct pool *pool = calloc(1, sizeof(*pool));
    struct slot *list = calloc(slots, sizeof(*list));
    if (!pool || !list) {
        free(pool);
        free(list);
        return err_sys(err, -ENOMEM, "pool of %u executors", slots);
    }
    *pool = (struct pool){.zygote = zygote,
                          .callbacks = callbacks,
                          .arg = arg,
                          .slots = list,
                          .n_slots = slots,
                          .round = {.fn = hand_out}};
    backlog_init(&pool->queue);
    backlog_init(&pool->waiting);
    for (uint32_t i = 0; i < slots; i++)
        slot_init(&list[i], i, zygote_page(zygote, i), &ops, pool);
    int r = zygote_line_open(pool);
    if (r < 0) {
        pool_free(pool);
        return err_sys(err, r, "can't watch the zygote");
    }
    list[0].state = SLOT_FORKING;
    zygote_line_ask(pool, &list[0], ZYGOTE_FORK);
    *ret = pool;
    return 0;
}

void pool_obey(struct pool *pool, struct jobserver *js)
{
    pool->permits = (struct permits){.js = js, .ready = wake, .arg = pool};
}

struct pool *pool_free(struct pool *pool)
{
    if (!pool)
        return NULL;
    permits_done(&pool->permits);
    zygote_line_close(pool);
    loop_unpost(&pool->round);
    look_stop(pool);
    full_stop(pool);
    timer_cancel(&pool->throttle);
    timer_cancel(&pool->straggle);
    begun_stop(pool);
    for (uint32_t i = 0; i < pool->n_slots; i++)
        slot_done(&pool->slots[i]);
    backlog_done(&pool->queue);
    backlog_done(&pool->waiting);
    struct pool_step *step;
    while ((step = LIST_FIRST(&pool->steps))) {
        LIST_REMOVE(step, entry);
        pool_step_unref(step);
    }
    free(pool->slots);
    free(pool);
    return NULL;
}

uint32_t pool_running(const struct pool *pool)
{
    return pool_busy(pool);
}

uint32_t pool_backlog(const struct pool *pool)
{
    uint64_t n = pool->queue.chunks + pool->waiting.chunks;
    for (uint32_t i = 0; i < pool->n_slots; i++) {
        uint32_t load = slot_load(&pool->slots[i]);
        n += load ? load - 1 : 0;
    }
    return n < UINT32_MAX ? (uint32_t)n : UINT32_MAX;
}

int64_t pool_mean_run_ns(const struct pool *pool)
{
    return pool->mean_ns;
}

void pool_return_queued(struct pool *pool, uint64_t job, bool all_jobs,
                        void (*back)(void *arg, const struct msg_return *run), void *arg)
{
    backlog_return(&pool->queue, job, all_jobs, back, arg);
    backlog_return(&pool->waiting, job, all_jobs, back, arg);
}

static bool is_in(const struct msg_return *run, const struct sent *sent)
{
    const struct lease *lease = &sent->copy->lease;
    uint64_t chunk = lease->first + sent->index;
    return lease->job == run->job && lease->step == run->step && lease->attempt == run->attempt &&
           chunk >= run->first && chunk - run->first < run->count;
}

// What was sent ahead of the executor comes back at once, or as skipped.
static void recall_from_slot(struct pool *pool, struct slot *slot, const struct msg_return *run)
{
    bool any = false;
    for (uint32_t i = 0; i < slot->sent.n; i++) {
        struct sent *sent = sent_at(&slot->sent, i);
        if (!sent->copy || !is_in(run, sent))
            continue;
        sent->recalled = true;
        any = true;
    }
    if (!any || slot->state != SLOT_LIVE)
        return;
    slot_recall(slot);
    uint32_t on = slot_running(slot);
    if (on < slot->sent.n && sent_at(&slot->sent, on)->copy && is_in(run, sent_at(&slot->sent, on)))
        begun_tell(pool, slot, on);
}

void pool_recall(struct pool *pool, const struct msg_return *run)
{
    int r = backlog_take(&pool->queue, run, pool->callbacks->returned, pool->arg);
    if (r == 0)
        r = backlog_take(&pool->waiting, run, pool->callbacks->returned, pool->arg);
    if (r < 0)
        pool_fail(pool, r, "no memory for a recall");
    for (uint32_t i = 0; i < pool->n_slots; i++)
        recall_from_slot(pool, &pool->slots[i], run);
    pool_wake(pool);
}

void pool_cancel(struct pool *pool, uint64_t job, bool kill_now)
{
    for (uint32_t i = 0; i < pool->n_slots; i++)
        slot_cancel(&pool->slots[i], job, kill_now);
    pool_wake(pool);
}

void pool_pause(struct pool *pool)
{
    if (pool->paused_at)
        return;
    pool->paused_at = loop_now();
    zygote_line_ask(pool, &pool->slots[0], ZYGOTE_PAUSE);
}

void pool_resume(struct pool *pool)
{
    if (!pool->paused_at)
        return;
    int64_t paused_ns = loop_now() - pool->paused_at;
    pool->paused_at = 0;
    for (uint32_t i = 0; i < pool->n_slots; i++)
        slot_skip_time(&pool->slots[i], paused_ns);
    zygote_line_ask(pool, &pool->slots[0], ZYGOTE_RESUME);
    pool_wake(pool);
}

void pool_held(const struct pool *pool, void (*held)(void *arg, const struct msg_return *run),
               void *arg)
{
    for (uint32_t i = 0; i < pool->n_slots; i++) {
        const struct sent_ring *ring = &pool->slots[i].sent;
        for (uint32_t k = 0; k < ring->n; k++) {
            const struct sent *sent = sent_at(ring, k);
            if (!sent->copy || sent->copy->step->forgotten)
                continue;
            const struct lease *lease = &sent->copy->lease;
            held(arg, &(struct msg_return){.job = lease->job,
                                           .step = lease->step,
                                           .attempt = lease->attempt,
                                           .first = lease->first + sent->index,
                                           .count = 1});
        }
    }
}

void pool_tell_begun(struct pool *pool)
{
    for (uint32_t i = 0; i < pool->n_slots; i++)
        pool->slots[i].told = 0;
    begun_settle(pool);
}

void pool_discard(struct pool *pool, const struct msg_return *run)
{
    for (uint32_t i = 0; i < pool->n_slots; i++)
        slot_discard(&pool->slots[i], run);
    pool_wake(pool);
}

void pool_reset(struct pool *pool)
{
    const struct pool_step *step;
    while ((step = LIST_FIRST(&pool->steps))) {
        uint64_t job = step->job;
        pool_cancel(pool, job, true);
        pool_forget(pool, job);
    }
}
