// Steps that the pool knows, and the leases of their chunks.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "worker/pool/pool_own.h"

static struct pool_step *find_step(const struct pool *pool, uint64_t job, uint32_t step)
{
    struct pool_step *s = pool->steps;
    while (s && (s->job != job || s->step != step))
        s = s->next;
    return s;
}

static void note_steps(struct pool *pool)
{
    pool->kernel_timeout_ns = 0;
    pool->heavy = false;
    for (struct pool_step *s = pool->steps; s; s = s->next)
        if (s->kernel_timeout_ns &&
            (!pool->kernel_timeout_ns || s->kernel_timeout_ns < pool->kernel_timeout_ns))
            pool->kernel_timeout_ns = s->kernel_timeout_ns;
    for (struct pool_step *s = pool->steps; s; s = s->next)
        pool->heavy |= s->weight > 1;
}

bool pool_knows(const struct pool *pool, uint64_t job, uint32_t step)
{
    return find_step(pool, job, step) != NULL;
}

int pool_define(struct pool *pool, const struct msg_step *step, bool ready, struct err *err)
{
    struct pool_step *known = NULL;
    if (find_step(pool, step->job, step->step))
        return 0;
    int r = pool_step_new(step, pool->n_slots, &known, err);
    if (r < 0)
        return r;
    known->waits = !ready;
    known->next = pool->steps;
    pool->steps = known;
    note_steps(pool);
    return 0;
}

int pool_ready(struct pool *pool, uint64_t job, uint32_t number, const void *packed, size_t len)
{
    struct pool_step *step = find_step(pool, job, number);
    uint8_t *copy = step ? malloc(len) : NULL;
    if (!step)
        return 0;
    if (!copy)
        return -ENOMEM;
    memcpy(copy, packed, len);
    free(step->packed);
    step->packed = copy;
    step->packed_len = len;
    step->waits = false;
    held_queue_move(&pool->waiting, &pool->queue, step);
    pool_wake(pool);
    return 0;
}

static void end_waiting(struct pool *pool, const struct pool_step *step)
{
    struct held_queue over = {0};
    held_queue_move(&pool->waiting, &over, step);
    while (over.first) {
        struct held_part *part = over.first;
        const struct lease *lease = &part->held->lease;
        for (uint32_t i = part->at; i < part->end; i++)
            pool_deliver(pool, part->held,
                         &(struct result){.job = lease->job,
                                          .step = lease->step,
                                          .attempt = lease->attempt,
                                          .chunk = lease->first + i,
                                          .ending = {.outcome = OUTCOME_NOT_FOUND, .code = 127},
                                          .error = step->hopeless,
                                          .error_len = strlen(step->hopeless),
                                          .n_items = 1});
        held_queue_drop(&over, part->end - part->at);
    }
}

void pool_give_up(struct pool *pool, uint64_t job, uint32_t number, const char *text)
{
    struct pool_step *step = find_step(pool, job, number);
    if (!step || step->hopeless)
        return;
    step->hopeless = strdup(text);
    if (step->hopeless)
        end_waiting(pool, step);
    else
        pool_fail(pool, -ENOMEM, "no memory for a message");
}

void pool_forget(struct pool *pool, uint64_t job)
{
    bool any = false;
    for (struct pool_step **at = &pool->steps; *at;) {
        struct pool_step *step = *at;
        if (step->job != job) {
            at = &step->next;
            continue;
        }
        *at = step->next;
        step->forgotten = true;
        pool_step_unref(step);
        any = true;
    }
    if (!any)
        return;
    note_steps(pool);
    held_queue_return(&pool->queue, job, false, NULL, NULL);
    held_queue_return(&pool->waiting, job, false, NULL, NULL);
    for (uint32_t i = 0; i < pool->n_slots; i++)
        slot_forget(&pool->slots[i], job);
}

void pool_reset(struct pool *pool)
{
    while (pool->steps) {
        uint64_t job = pool->steps->job;
        pool_cancel(pool, job, true);
        pool_forget(pool, job);
    }
}

int pool_add(struct pool *pool, const struct lease *lease)
{
    struct pool_step *step = find_step(pool, lease->job, lease->step);
    struct held *held = NULL;
    if (!step)
        return -ENOENT;
    int r = held_new(step, lease, &held);
    if (r < 0)
        return r;
    r = held_queue_push(step->waits ? &pool->waiting : &pool->queue, held, 0, lease->count);
    held_unref(held);
    if (step->hopeless)
        end_waiting(pool, step);
    pool_wake(pool);
    return r;
}
