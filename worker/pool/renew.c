#include "worker/pool/renew.h"

#include <signal.h>

#include "base/log.h"

static const struct lease_copy *running_of(const struct slot *slot, uint64_t *ret_chunk)
{
    uint32_t on =
        slot->state == SLOT_LIVE || slot->state == SLOT_DYING ? slot_running(slot) : slot->sent.n;
    const struct sent *sent = on < slot->sent.n ? sent_at(&slot->sent, on) : NULL;
    if (!sent || !sent->copy)
        return NULL;
    *ret_chunk = sent->copy->lease.first + sent->index;
    return sent->copy;
}

static bool is_suspect(const struct pool *pool, const struct lease_copy *copy, uint64_t chunk)
{
    for (uint32_t i = 0; i < POOL_SUSPECTS; i++) {
        const struct suspect *s = &pool->suspects[i];
        if (s->job == copy->lease.job && s->step == copy->lease.step && s->chunk == chunk)
            return true;
    }
    return false;
}

static void suspect(struct pool *pool, const struct lease_copy *copy, uint64_t chunk)
{
    pool->suspects[pool->next_suspect++ % POOL_SUSPECTS] =
        (struct suspect){.job = copy->lease.job, .step = copy->lease.step, .chunk = chunk};
}

static const struct slot *began_last(const struct pool *pool)
{
    const struct slot *last = NULL;
    uint64_t chunk;
    for (uint32_t i = 0; i < pool->n_slots; i++)
        if (running_of(&pool->slots[i], &chunk) && (!last || pool->slots[i].turned > last->turned))
            last = &pool->slots[i];
    return last;
}

void renew(struct pool *pool)
{
    const struct slot *last = began_last(pool);
    struct pool_step *step;
    log_warn("the zygote, which forks executors, was killed: going on with a new one", "running=%u",
             pool_busy(pool));
    for (uint32_t i = 0; i < pool->n_slots; i++) {
        struct slot *slot = &pool->slots[i];
        struct zygote_news news = {.kind = ZYGOTE_RENEWED,
                                   .slot = i,
                                   .status = SIGKILL, // as waitpid gives it
                                   .fd = -1,
                                   .ending = {.outcome = OUTCOME_CRASH, .code = SIGKILL}};
        uint64_t chunk = 0;
        const struct lease_copy *copy = running_of(slot, &chunk);
        slot->asks = 0;
        if (copy) {
            bool again = is_suspect(pool, copy, chunk);
            news.spared = slot != last && !again;
            if (!again)
                suspect(pool, copy, chunk);
        }
        LIST_FOREACH (step, &pool->steps, entry)
            pool_step_know(step, i, false);
        if (slot->state == SLOT_FORKING)
            slot->state = SLOT_EMPTY;
        else if (slot->state != SLOT_EMPTY)
            slot_died(slot, &news);
    }
}
