#include "worker/pool/full.h"

#include <string.h>

#include "base/clock.h"
#include "base/container.h"
#include "base/log.h"

static uint32_t limit_of(const struct pool *pool)
{
    return pool->full.limit ? pool->full.limit : pool->n_slots;
}

static uint32_t count_live(const struct pool *pool, const struct slot *but)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < pool->n_slots; i++)
        n += &pool->slots[i] != but &&
             (pool->slots[i].state == SLOT_LIVE || pool->slots[i].state == SLOT_FORKING);
    return n;
}

// Once for each time that the machine is full, when it has shown how many it lets be.
static void tell(struct pool *pool)
{
    struct full *f = &pool->full;
    if (f->told)
        return;
    f->told = true;
    log_warn(
        "the machine refuses more processes (ulimit -u, pids.max or memory): fewer slots until "
        "it has room",
        "slots=\"%u -> %u\" reason=\"%s\"", pool->n_slots, f->limit, strerror(-f->code));
}

static void on_full(struct timer *timer)
{
    struct pool *pool = container_of(timer, struct pool, full.timer);
    struct full *f = &pool->full;
    int64_t now = loop_now();
    tell(pool);
    if (!f->ever && now - f->since > FULL_NEVER_NS) {
        pool_fail(pool, f->code,
                  "not one program could be started in 60 s: the machine refuses more processes "
                  "(ulimit -u, pids.max or memory)");
        return;
    }
    uint32_t more = f->limit / 8;
    f->limit += more ? more : 1;
    f->closed = false;
    f->grown = true;
    if (f->limit >= pool->n_slots + 1) {
        log_info("the machine has room for all slots again", "slots=%u", pool->n_slots);
        bool ever = f->ever;
        *f = (struct full){.ever = ever};
    } else {
        timer_set(&f->timer, clock_after(now, f->wait_ns), on_full);
    }
    pool_wake(pool);
}

void full_note(struct pool *pool, struct slot *slot, int code)
{
    struct full *f = &pool->full;
    uint32_t others = count_live(pool, slot);
    int64_t now = loop_now();
    if (!f->limit) {
        f->since = now;
        f->wait_ns = FULL_FIRST_NS;
    } else if (f->grown) {
        f->wait_ns = f->wait_ns < FULL_MOST_NS / 2 ? 2 * f->wait_ns : FULL_MOST_NS;
    }
    // Nothing of ours will end and make room: others may, at any time.
    if (!others && f->wait_ns > FULL_ALONE_NS)
        f->wait_ns = FULL_ALONE_NS;
    f->grown = false;
    f->code = code;
    f->limit = others ? others : 1;
    f->closed = !others;
    slot->crowded = others && slot->state == SLOT_LIVE;
    timer_set(&f->timer, clock_after(now, f->wait_ns), on_full);
}

bool full_may_fork(const struct pool *pool, uint32_t alive)
{
    return !pool->full.closed && alive < limit_of(pool);
}

bool full_may_begin(const struct pool *pool)
{
    return !pool->full.closed;
}

void full_ended(struct pool *pool)
{
    pool->full.ever = true;
    pool->full.closed = false;
}

void full_stop(struct pool *pool)
{
    timer_cancel(&pool->full.timer);
}
