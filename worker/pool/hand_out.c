#include "worker/pool/hand_out.h"

#include "base/clock.h"
#include "base/container.h"
#include "worker/pool/begun.h"
#include "worker/pool/full.h"
#include "worker/pool/look.h"
#include "worker/pool/straggle.h"
#include "worker/pool/throttle.h"
#include "worker/pool/zygote_line.h"

// Short chunks are sent ahead, so that an executor never waits for the agent between two of them;
// long ones never, so that none waits for another while a slot is idle.
#define AHEAD_NS (1 * NS_PER_MS)
#define SHORT_NS (2 * NS_PER_MS)
#define AHEAD_MAX 512u
#define GIVE_BYTES (1u << 20) // payload of one frame, if it has more than one chunk

// How many chunks of a step an executor should have, the running one included.
static uint32_t target(const struct pool_step *step)
{
    if (step->weight > 1 || throttle_is_set(&step->throttle) || step->timeout_percent)
        return 1;
    int64_t mean = step->mean_ns;
    if (!mean || mean >= SHORT_NS)
        return 1;
    int64_t ahead = AHEAD_NS / mean;
    if (ahead < 1)
        return 2;
    return 1 + (ahead < AHEAD_MAX ? (uint32_t)ahead : AHEAD_MAX);
}

static void give(struct pool *pool, struct slot *slot, uint32_t n)
{
    struct backlog_part *part = backlog_first(&pool->queue);
    const struct pool_step *step = part ? part->copy->step : NULL;
    while (n && (part = backlog_first(&pool->queue))) {
        if (pool->heavy && part->copy->step != step)
            return; // it may need more room
        if (!slot_may_take(slot, part->copy->step))
            return;
        uint32_t left = part->end - part->at;
        uint32_t take = n < left ? n : left;
        while (take > 1 && lease_copy_bytes(part->copy, part->at, part->at + take) > GIVE_BYTES)
            take = (take + 1) / 2;
        int r = slot_give(slot, part->copy, part->at, take);
        if (r < 0) {
            pool_fail(pool, r, "no memory for a chunk on its way to an executor");
            return;
        }
        backlog_drop(&pool->queue, take);
        n -= take;
    }
}

// A chunk that takes more than a slot leaves others empty. The first one in the queue waits for its
// room, and all others wait for it: else it would wait for ever.
static bool has_room(const struct pool *pool, const struct slot *slot, const struct pool_step *step)
{
    uint32_t busy = 0;
    for (uint32_t i = 0; i < pool->n_slots; i++)
        if (&pool->slots[i] != slot)
            busy += slot_weight(&pool->slots[i]);
    return busy + step->weight <= pool->n_slots;
}

static void on_throttle(struct timer *timer)
{
    pool_wake(container_of(timer, struct pool, throttle));
}

// The chunks of a throttled step that is not to begin now make way for those of others. False:
// there are no others.
static bool pass_throttled(struct pool *pool)
{
    struct pool_step *first = backlog_first(&pool->queue)->copy->step, *step = first;
    int64_t now = loop_now(), soonest = INT64_MAX;
    do {
        if (!throttle_is_set(&step->throttle) ||
            (now >= step->closed_until && throttle_open(&step->throttle, now, step->began,
                                                        machine_state_read, &step->closed_until)))
            return true;
        if (step->closed_until < soonest)
            soonest = step->closed_until;
        backlog_pass(&pool->queue, step);
        step = backlog_first(&pool->queue)->copy->step;
    } while (step != first);
    timer_set(&pool->throttle, soonest, on_throttle);
    return false;
}

static void refill(struct pool *pool, struct slot *slot, uint32_t slots_at_work)
{
    if (!slot_load(slot) && (!full_may_begin(pool) || !pass_throttled(pool)))
        return;
    struct pool_step *step = backlog_first(&pool->queue)->copy->step;
    uint32_t want = target(step);
    uint32_t load = slot_load(slot);
    if (slot->crowded || !slot_may_take(slot, step)) {
        if (!slot->sent.n)
            slot_retire(slot); // it comes back as a new one
        return;
    }
    if (load && (load > want / 2 || want == 1 || slot->stuck == sent_first_serial(&slot->sent)))
        return;
    if (pool->heavy && !has_room(pool, slot, step))
        return;
    if (pool->permits.js && !load && !permits_take(&pool->permits, pool_busy(pool)))
        return;
    // No slot takes so many that another stays idle.
    uint64_t share = pool->queue.chunks / slots_at_work;
    if (share < 1)
        share = 1;
    uint32_t n = want - load;
    step->began = loop_now();
    give(pool, slot, share < n ? (uint32_t)share : n);
    slot_flush(slot);
}

// Has executors forked for chunks that the idle ones can't take. Returns the slots at work.
static uint32_t fork_more(struct pool *pool)
{
    uint64_t idle = 0;
    uint32_t at_work = 0;
    for (uint32_t i = 0; i < pool->n_slots; i++) {
        const struct slot *slot = &pool->slots[i];
        at_work += slot->state == SLOT_LIVE || slot->state == SLOT_FORKING;
        idle += slot->state == SLOT_FORKING || (slot->state == SLOT_LIVE && !slot->sent.n);
    }
    for (uint32_t i = 0;
         i < pool->n_slots && idle < pool->queue.chunks && full_may_fork(pool, at_work); i++) {
        if (pool->slots[i].state != SLOT_EMPTY)
            continue;
        pool->slots[i].state = SLOT_FORKING;
        zygote_line_ask(pool, &pool->slots[i], ZYGOTE_FORK);
        idle++;
        at_work++;
    }
    return at_work;
}

void hand_out(struct post *post)
{
    struct pool *pool = container_of(post, struct pool, round);
    if (pool->broken || pool->paused_at)
        return;
    uint32_t at_work = fork_more(pool);
    for (int idle_first = 1; idle_first >= 0; idle_first--)
        for (uint32_t i = 0; i < pool->n_slots && backlog_first(&pool->queue); i++)
            if (pool->slots[i].state == SLOT_LIVE && (pool->slots[i].sent.n == 0) == idle_first)
                refill(pool, &pool->slots[i], at_work);
    if (pool->permits.js)
        permits_settle(&pool->permits, pool_busy(pool));
    look_settle(pool);
    straggle_settle(pool);
    begun_settle(pool);
}
