#include "worker/pool/pool_own.h"

#define MEAN_SHARE 8 // the last chunk's share of the mean: one part in this many

void pool_fail(struct pool *pool, int code, const char *text)
{
    if (pool->broken)
        return;
    pool->broken = true;
    pool->callbacks->broken(pool->arg, code, text);
}

static int64_t blend(int64_t mean, int64_t last)
{
    if (last < 1)
        last = 1;
    if (!mean)
        return last;
    mean += (last - mean) / MEAN_SHARE;
    return mean > 1 ? mean : 1;
}

void pool_deliver(struct pool *pool, struct lease_copy *copy, const struct result *result)
{
    if (!result->more && result->ending.outcome == OUTCOME_OK) {
        copy->step->mean_ns = blend(copy->step->mean_ns, result->ending.run_ns);
        if (copy->step->timeout_percent)
            times_add(&copy->step->times, result->ending.run_ns);
        pool->mean_ns = blend(pool->mean_ns, result->ending.run_ns);
    }
    // The number of a forgotten job may mean another one by now.
    if (!copy->step->forgotten)
        pool->callbacks->result(pool->arg, result);
}

uint32_t pool_busy(const struct pool *pool)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < pool->n_slots; i++)
        n += slot_load(&pool->slots[i]) > 0;
    return n;
}

void pool_wake(struct pool *pool)
{
    loop_post(&pool->round, pool->round.fn);
}
