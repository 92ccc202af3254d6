#include "worker/pool/zygote_line.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>

#include "base/container.h"
#include "base/log.h"
#include "worker/pool/full.h"
#include "worker/pool/renew.h"

static void send_asks(struct pool *pool)
{
    bool left = false;
    for (uint32_t i = 0; i < pool->n_slots && !left; i++) {
        struct slot *slot = &pool->slots[i];
        // A kill goes before a fork of the same slot.
        static const int order[] = {ZYGOTE_KILL, ZYGOTE_NUDGE, ZYGOTE_FLUSH,
                                    ZYGOTE_FORK, ZYGOTE_PAUSE, ZYGOTE_RESUME};
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
    watch_modify(&pool->line, left ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

void zygote_line_ask(struct pool *pool, struct slot *slot, enum zygote_request request)
{
    bool waits = slot->asks != 0;
    // Of two that undo each other the last one counts.
    if (request == ZYGOTE_PAUSE)
        slot->asks &= (uint8_t) ~(1u << ZYGOTE_RESUME);
    if (request == ZYGOTE_RESUME)
        slot->asks &= (uint8_t) ~(1u << ZYGOTE_PAUSE);
    slot->asks |= (uint8_t)(1u << request);
    if (!waits)
        send_asks(pool);
}

static void take_news(struct pool *pool, const struct zygote_news *news)
{
    struct slot *slot = news->slot < pool->n_slots ? &pool->slots[news->slot] : NULL;
    if (news->kind == ZYGOTE_RENEWED)
        renew(pool);
    if (!slot || news->kind == ZYGOTE_RENEWED)
        return;
    if (news->kind == ZYGOTE_FORKED && news->fd < 0) {
        slot->state = SLOT_DYING;
        zygote_line_ask(pool, slot, ZYGOTE_KILL);
        full_note(pool, slot, -EMFILE);
    } else if (news->kind == ZYGOTE_FORKED) {
        slot_forked(slot, news->fd);
    } else if (news->kind == ZYGOTE_FORK_FAILED) {
        slot->state = SLOT_EMPTY;
        full_note(pool, slot, news->code);
    } else {
        struct pool_step *step;
        LIST_FOREACH (step, &pool->steps, entry)
            pool_step_know(step, slot->index, false);
        slot_died(slot, news);
    }
}

static void on_line(struct watch *watch, uint32_t events)
{
    struct pool *pool = container_of(watch, struct pool, line);
    struct zygote_news news;
    int r;
    if (events & EPOLLOUT)
        send_asks(pool);
    while ((r = zygote_next(pool->zygote, &news)) == 1)
        take_news(pool, &news);
    if (r == -EPIPE) {
        watch_remove(&pool->line);
        pool_fail(pool, r, "the zygote, which forks executors, has died");
        return;
    }
    pool_wake(pool);
}

int zygote_line_open(struct pool *pool)
{
    int r = watch_add(&pool->line, zygote_fd(pool->zygote), EPOLLIN, on_line);
    if (r < 0)
        pool->line = (struct watch){0};
    return r;
}

void zygote_line_close(struct pool *pool)
{
    watch_remove(&pool->line);
}
