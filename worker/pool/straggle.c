#include "worker/pool/straggle.h"

#include "base/clock.h"
#include "base/container.h"
#include "worker/pool/pool_own.h"
#include "worker/pool/slot_control.h"

// 0: not known yet, or none.
static int64_t limit_of(const struct pool_step *step)
{
    int64_t median = step->timeout_percent ? times_median(&step->times) : 0, limit;
    bool too_long = __builtin_mul_overflow(median, (int64_t)step->timeout_percent, &limit);
    return too_long ? 0 : limit / 100;
}

static void on_straggle(struct timer *timer)
{
    straggle_settle(container_of(timer, struct pool, straggle));
}

void straggle_settle(struct pool *pool)
{
    int64_t now = loop_now(), next = INT64_MAX;
    if (pool->paused_at)
        return;
    for (uint32_t i = 0; i < pool->n_slots; i++) {
        struct slot *slot = &pool->slots[i];
        const struct sent *sent = slot_load(slot) ? sent_at(&slot->sent, 0) : NULL;
        const struct pool_step *step = sent && sent->copy ? sent->copy->step : NULL;
        int64_t limit = step ? limit_of(step) : 0;
        if (!limit || sent->over_time || sent->cancelled)
            continue;
        int64_t due = clock_after(slot->turned, limit);
        if (due <= now)
            slot_end_over_time(slot);
        else if (due < next)
            next = due;
    }
    if (next < INT64_MAX)
        timer_set(&pool->straggle, next, on_straggle);
}
