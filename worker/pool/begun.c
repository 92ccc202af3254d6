#include "worker/pool/begun.h"

#include "base/clock.h"
#include "base/container.h"

#define BEGUN_NS (20 * NS_PER_MS) // PROTOCOL.md names it

void begun_tell(struct pool *pool, struct slot *slot, uint32_t i)
{
    uint64_t serial = sent_first_serial(&slot->sent) + i;
    const struct sent *sent = sent_at(&slot->sent, i);
    if (slot->told == serial || !sent->copy)
        return;
    slot->told = serial;
    const struct lease *lease = &sent->copy->lease;
    if (pool->callbacks->begun && !sent->copy->step->forgotten)
        pool->callbacks->begun(pool->arg, &(struct msg_begun){.job = lease->job,
                                                              .step = lease->step,
                                                              .attempt = lease->attempt,
                                                              .chunk = lease->first + sent->index,
                                                              .age_ns = loop_now() - slot->turned});
}

static void on_begun(struct timer *timer)
{
    struct pool *pool = container_of(timer, struct pool, begun);
    int64_t now = loop_now();
    int64_t next = CLOCK_FOREVER;
    for (uint32_t i = 0; i < pool->n_slots; i++) {
        struct slot *slot = &pool->slots[i];
        if (slot->state != SLOT_LIVE || !slot_load(slot))
            continue;
        uint32_t on = slot_running(slot);
        int64_t due = slot->turned + BEGUN_NS;
        if (on < slot->sent.n && slot->told == sent_first_serial(&slot->sent) + on)
            continue;
        if (on < slot->sent.n && due <= now) {
            begun_tell(pool, slot, on);
            continue;
        }
        // Between two chunks, or not in its first one yet.
        if (due <= now)
            due = now + BEGUN_NS;
        next = due < next ? due : next;
    }
    if (next < CLOCK_FOREVER)
        timer_set(&pool->begun, next, on_begun);
}

void begun_settle(struct pool *pool)
{
    if (!heap_holds(&pool->begun.node) && pool_busy(pool))
        timer_set(&pool->begun, clock_after(loop_now(), BEGUN_NS), on_begun);
}

void begun_stop(struct pool *pool)
{
    timer_cancel(&pool->begun);
}
