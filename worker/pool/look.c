#include "worker/pool/look.h"

#include "base/clock.h"
#include "base/container.h"
#include "worker/pool/slot_control.h"

#define LOOK_NS (2 * NS_PER_MS)     // between two looks at which slots are stuck
#define DEADLINE_NS (1 * NS_PER_MS) // least time between two looks at deadlines

static void on_deadline(struct timer *timer)
{
    struct pool *pool = container_of(timer, struct pool, deadline);
    int64_t now = loop_now();
    int64_t next = clock_after(now, pool->kernel_timeout_ns);
    pool->deadline_set = false;
    if (pool->paused_at)
        return;
    for (uint32_t i = 0; i < pool->n_slots; i++)
        slot_check_deadline(&pool->slots[i], now, &next);
    if (!pool_busy(pool))
        return;
    if (next < now + DEADLINE_NS)
        next = now + DEADLINE_NS;
    pool->deadline_set = timer_set(&pool->deadline, next, on_deadline) == 0;
}

static bool has_idle_slot(const struct pool *pool)
{
    for (uint32_t i = 0; i < pool->n_slots; i++) {
        const struct slot *slot = &pool->slots[i];
        if (slot->state == SLOT_EMPTY || (slot->state == SLOT_LIVE && !slot->sent.n))
            return true;
    }
    return false;
}

// Whether others could run what was sent ahead to a stuck slot.
static bool may_recall(const struct pool *pool)
{
    return !backlog_first(&pool->queue) && has_idle_slot(pool);
}

static bool needs_a_look(const struct pool *pool)
{
    bool recall = may_recall(pool);
    for (uint32_t i = 0; i < pool->n_slots; i++) {
        const struct slot *slot = &pool->slots[i];
        if (slot->state == SLOT_LIVE && slot_load(slot) > 1 &&
            (recall || !slot->judged || atomic_load(&slot->page->running) != slot->judged))
            return true;
    }
    return false;
}

// A chunk that takes much longer than those before it holds up what was sent ahead, and results
// that the executor has not written yet. The results are asked for; when others are idle, the
// chunks are recalled.
static void on_look(struct timer *timer)
{
    struct pool *pool = container_of(timer, struct pool, look);
    for (uint32_t i = 0; i < pool->n_slots; i++) {
        struct slot *slot = &pool->slots[i];
        if (slot->state != SLOT_LIVE || slot_load(slot) < 2)
            continue;
        if (slot_look(slot) && may_recall(pool))
            slot_recall(slot);
    }
    pool_wake(pool);
}

void look_settle(struct pool *pool)
{
    if (needs_a_look(pool) && !heap_holds(&pool->look.node))
        timer_set(&pool->look, clock_after(loop_now(), LOOK_NS), on_look);
    if (pool->kernel_timeout_ns && !pool->deadline_set && pool_busy(pool))
        pool->deadline_set =
            timer_set(&pool->deadline, clock_after(loop_now(), pool->kernel_timeout_ns),
                      on_deadline) == 0;
}

void look_stop(struct pool *pool)
{
    timer_cancel(&pool->look);
    timer_cancel(&pool->deadline);
}
