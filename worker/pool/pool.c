// Which chunk goes to which executor, and the zygote's news.
#include "worker/pool/pool.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "base/clock.h"
#include "base/container.h"
#include "base/log.h"
#include "worker/executor/zygote.h"
#include "worker/pool/pool_own.h"

// Short chunks are sent ahead, so that an executor never waits for the agent between two of them;
// long ones never, so that none waits behind another while a slot is idle.
#define AHEAD_NS (1 * NS_PER_MS)
#define SHORT_NS (2 * NS_PER_MS)
#define AHEAD_MAX 512u
#define GIVE_BYTES (1u << 20)       // payload of one frame, if it has more than one chunk
#define LOOK_NS (2 * NS_PER_MS)     // between two looks at who is stuck
#define DEADLINE_NS (1 * NS_PER_MS) // least time between two looks at deadlines
#define MEAN_SHARE 8                // of the last chunk in the mean: one part of so many

void pool_fail(struct pool *pool, int code, const char *text)
{
    if (pool->broken)
        return;
    pool->broken = true;
    pool->callbacks->broken(pool->arg, code, text);
}

const uint32_t *pool_aligned_lens(struct pool *pool, const uint8_t *lens, uint32_t n)
{
    buf_clear(&pool->lens);
    if (buf_add(&pool->lens, lens, n * sizeof(uint32_t)) < 0)
        return NULL;
    return (const uint32_t *)(const void *)pool->lens.data;
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

void pool_deliver(struct pool *pool, struct held *held, const struct result *result)
{
    if (!result->more && result->ending.outcome == OUTCOME_OK) {
        held->step->mean_ns = blend(held->step->mean_ns, result->ending.run_ns);
        pool->mean_ns = blend(pool->mean_ns, result->ending.run_ns);
    }
    // The number of a forgotten job may mean another one by now.
    if (!held->step->forgotten)
        pool->callbacks->result(pool->arg, result);
}

void pool_requeue(struct pool *pool, struct held *held, uint32_t at, uint32_t end)
{
    struct held_part *first = pool->queue.first;
    if (held->step->forgotten)
        return;
    if (first && first->held == held && first->at == end) {
        first->at = at;
        pool->queue.chunks += end - at;
    } else if (held_queue_push_front(&pool->queue, held, at, end) < 0) {
        pool_fail(pool, -ENOMEM, "no memory for a chunk");
    }
}

// ---- requests to the zygote

static void send_asks(struct pool *pool)
{
    bool left = false;
    for (uint32_t i = 0; i < pool->n_slots && !left; i++) {
        struct slot *slot = &pool->slots[i];
        // A kill goes before a fork of the same slot.
        static const int order[] = {ZYGOTE_KILL, ZYGOTE_NUDGE, ZYGOTE_FLUSH, ZYGOTE_FORK};
        for (size_t k = 0; k < sizeof(order) / sizeof(order[0]) && slot->asks; k++) {
            uint8_t bit = (uint8_t)(1u << order[k]);
            if (!(slot->asks & bit))
                continue;
            int r = zygote_ask(pool->zygote, (enum zygote_request)order[k], i);
            if (r == -EAGAIN) {
                left = true;
                break;
            }
            slot->asks &= (uint8_t)~bit;
        }
    }
    watch_modify(&pool->watch, left ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

void pool_ask(struct slot *slot, int request)
{
    struct pool *pool = slot->pool;
    bool waits = slot->asks != 0;
    slot->asks |= (uint8_t)(1u << request);
    if (!waits)
        send_asks(pool);
}

static void fork_failed(struct pool *pool, struct slot *slot, int code)
{
    uint32_t left = 0;
    slot->state = SLOT_BARRED;
    for (uint32_t i = 0; i < pool->n_slots; i++)
        left += pool->slots[i].state != SLOT_BARRED && pool->slots[i].state != SLOT_EMPTY;
    if (!left) {
        pool_fail(pool, code, "an executor can't be forked");
        return;
    }
    log_warn("an executor can't be forked: going on with fewer slots", "slots=%u reason=\"%s\"",
             left, strerror(-code));
    for (uint32_t i = 0; i < pool->n_slots; i++)
        if (pool->slots[i].state == SLOT_EMPTY)
            pool->slots[i].state = SLOT_BARRED;
}

static void on_zygote(struct watch *watch, uint32_t events)
{
    struct pool *pool = container_of(watch, struct pool, watch);
    struct zygote_news news;
    int r;
    if (events & EPOLLOUT)
        send_asks(pool);
    while ((r = zygote_next(pool->zygote, &news)) == 1) {
        struct slot *slot = news.slot < pool->n_slots ? &pool->slots[news.slot] : NULL;
        if (!slot)
            continue;
        if (news.kind == ZYGOTE_FORKED && news.fd < 0) {
            pool_ask(slot, ZYGOTE_KILL);
            fork_failed(pool, slot, -EMFILE);
        } else if (news.kind == ZYGOTE_FORKED) {
            slot_forked(slot, news.fd);
        } else if (news.kind == ZYGOTE_FORK_FAILED) {
            fork_failed(pool, slot, news.code);
        } else {
            for (struct pool_step *s = pool->steps; s; s = s->next)
                pool_step_know(s, slot->index, false);
            slot_died(slot, &news);
        }
    }
    if (r == -EPIPE) {
        watch_remove(&pool->watch);
        pool_fail(pool, r, "the zygote, which forks executors, has died");
        return;
    }
    pool_wake(pool);
}

// ---- handing out

// How many chunks of a step an executor should have, the running one included.
static uint32_t target(const struct pool_step *step)
{
    if (step->weight > 1)
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
    const struct pool_step *step = pool->queue.first ? pool->queue.first->held->step : NULL;
    while (n && pool->queue.first) {
        struct held_part *part = pool->queue.first;
        if (pool->heavy && part->held->step != step)
            return; // it may need more room
        struct held *held = part->held;
        uint32_t left = part->end - part->at;
        uint32_t take = n < left ? n : left;
        while (take > 1 && held_bytes(held, part->at, part->at + take) > GIVE_BYTES)
            take = (take + 1) / 2;
        int r = slot_give(slot, held, part->at, take);
        if (r < 0) {
            pool_fail(pool, r, "no memory for a chunk on its way to an executor");
            return;
        }
        held_queue_drop(&pool->queue, take);
        n -= take;
    }
}

// Chunks that take more than a slot leave others empty. What is first in the queue waits for its
// room, and all behind it: else it would wait for ever.
static bool has_room(const struct pool *pool, const struct slot *slot)
{
    uint32_t busy = 0;
    for (uint32_t i = 0; i < pool->n_slots; i++)
        if (&pool->slots[i] != slot)
            busy += slot_weight(&pool->slots[i]);
    return busy + pool->queue.first->held->step->weight <= pool->n_slots;
}

static void refill(struct pool *pool, struct slot *slot, uint32_t slots_at_work)
{
    uint32_t want = target(pool->queue.first->held->step);
    uint32_t load = slot_load(slot);
    if (load && (load > want / 2 || want == 1 || slot->stuck == slot_first_serial(slot)))
        return;
    if (pool->heavy && !has_room(pool, slot))
        return;
    if (pool->permits.js && !load && !permits_take(&pool->permits, pool_running(pool)))
        return;
    // Nobody takes so much that another stays idle.
    uint64_t share = pool->queue.chunks / slots_at_work;
    if (share < 1)
        share = 1;
    uint32_t n = want - load;
    give(pool, slot, share < n ? (uint32_t)share : n);
    slot_flush(slot);
}

static bool needs_watching(const struct pool *pool)
{
    for (uint32_t i = 0; i < pool->n_slots; i++)
        if (slot_load(&pool->slots[i]))
            return true;
    return false;
}

static void on_deadline(struct timer *timer)
{
    struct pool *pool = container_of(timer, struct pool, deadline);
    int64_t now = loop_now();
    int64_t next = clock_after(now, pool->kernel_timeout_ns);
    pool->deadline_set = false;
    for (uint32_t i = 0; i < pool->n_slots; i++)
        slot_check_deadline(&pool->slots[i], now, &next);
    if (!needs_watching(pool))
        return;
    if (next < now + DEADLINE_NS)
        next = now + DEADLINE_NS;
    pool->deadline_set = timer_set(&pool->deadline, next, on_deadline) == 0;
}

static bool has_free_hands(const struct pool *pool)
{
    for (uint32_t i = 0; i < pool->n_slots; i++) {
        const struct slot *slot = &pool->slots[i];
        if (slot->state == SLOT_EMPTY || (slot->state == SLOT_LIVE && !slot->n))
            return true;
    }
    return false;
}

// Whether others could do what a stuck slot was sent ahead.
static bool may_recall(const struct pool *pool)
{
    return !pool->queue.first && has_free_hands(pool);
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
// that the executor has not written yet. The results are asked for; when others have nothing to do,
// the chunks come back.
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

static void on_top_up(struct post *post)
{
    struct pool *pool = container_of(post, struct pool, top_up);
    if (pool->broken)
        return;
    uint32_t at_work = 0;
    for (uint32_t i = 0; i < pool->n_slots; i++)
        at_work += pool->slots[i].state == SLOT_LIVE || pool->slots[i].state == SLOT_FORKING;
    // New hands for what the idle ones can't take.
    uint64_t idle = 0;
    for (uint32_t i = 0; i < pool->n_slots; i++)
        idle += pool->slots[i].state == SLOT_FORKING ||
                (pool->slots[i].state == SLOT_LIVE && !pool->slots[i].n);
    for (uint32_t i = 0; i < pool->n_slots && idle < pool->queue.chunks; i++) {
        if (pool->slots[i].state != SLOT_EMPTY)
            continue;
        pool->slots[i].state = SLOT_FORKING;
        pool_ask(&pool->slots[i], ZYGOTE_FORK);
        idle++;
        at_work++;
    }
    for (int idle_first = 1; idle_first >= 0; idle_first--)
        for (uint32_t i = 0; i < pool->n_slots && pool->queue.first; i++)
            if (pool->slots[i].state == SLOT_LIVE && (pool->slots[i].n == 0) == idle_first)
                refill(pool, &pool->slots[i], at_work);
    if (pool->permits.js)
        permits_settle(&pool->permits, pool_running(pool));
    if (needs_a_look(pool) && !heap_holds(&pool->look.node))
        timer_set(&pool->look, clock_after(loop_now(), LOOK_NS), on_look);
    if (pool->kernel_timeout_ns && !pool->deadline_set && needs_watching(pool))
        pool->deadline_set =
            timer_set(&pool->deadline, clock_after(loop_now(), pool->kernel_timeout_ns),
                      on_deadline) == 0;
}

void pool_wake(struct pool *pool)
{
    loop_post(&pool->top_up, on_top_up);
}

// ---- for the agent

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
    *pool = (struct pool){
        .zygote = zygote, .callbacks = callbacks, .arg = arg, .slots = list, .n_slots = slots};
    buf_init(&pool->lens, 0);
    for (uint32_t i = 0; i < slots; i++)
        slot_init(&list[i], pool, i, zygote_page(zygote, i));
    int r = watch_add(&pool->watch, zygote_fd(zygote), EPOLLIN, on_zygote);
    if (r < 0) {
        pool->watch = (struct watch){0};
        pool_free(pool);
        return err_sys(err, r, "watching the zygote");
    }
    list[0].state = SLOT_FORKING;
    pool_ask(&list[0], ZYGOTE_FORK);
    *ret = pool;
    return 0;
}

static void on_token(void *arg)
{
    pool_wake(arg);
}

void pool_obey(struct pool *pool, struct jobserver *js)
{
    pool->permits = (struct permits){.js = js, .ready = on_token, .arg = pool};
}

struct pool *pool_free(struct pool *pool)
{
    if (!pool)
        return NULL;
    permits_done(&pool->permits);
    watch_remove(&pool->watch);
    loop_unpost(&pool->top_up);
    timer_cancel(&pool->look);
    timer_cancel(&pool->deadline);
    for (uint32_t i = 0; i < pool->n_slots; i++)
        slot_done(&pool->slots[i]);
    held_queue_done(&pool->queue);
    held_queue_done(&pool->waiting);
    while (pool->steps) {
        struct pool_step *step = pool->steps;
        pool->steps = step->next;
        pool_step_unref(step);
    }
    buf_done(&pool->lens);
    free(pool->slots);
    free(pool);
    return NULL;
}

uint32_t pool_running(const struct pool *pool)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < pool->n_slots; i++)
        n += slot_load(&pool->slots[i]) > 0;
    return n;
}

uint32_t pool_held(const struct pool *pool)
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
    held_queue_return(&pool->queue, job, all_jobs, back, arg);
    held_queue_return(&pool->waiting, job, all_jobs, back, arg);
}

void pool_cancel(struct pool *pool, uint64_t job, bool kill_now)
{
    for (uint32_t i = 0; i < pool->n_slots; i++)
        slot_cancel(&pool->slots[i], job, kill_now);
    pool_wake(pool);
}
