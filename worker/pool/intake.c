#include "worker/pool/intake.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "worker/pool/pool_own.h"

static struct pool_step *find_step(const struct pool *pool, uint64_t job, uint32_t number)
{
    struct pool_step *step;
    LIST_FOREACH (step, &pool->steps, entry)
        if (step->job == job && step->step == number)
            return step;
    return NULL;
}

// What a step asks of the whole pool.
static void note_steps(struct pool *pool)
{
    const struct pool_step *step;
    pool->kernel_timeout_ns = 0;
    pool->heavy = false;
    LIST_FOREACH (step, &pool->steps, entry) {
        pool->heavy |= step->weight > 1;
        if (step->kernel_timeout_ns &&
            (!pool->kernel_timeout_ns || step->kernel_timeout_ns < pool->kernel_timeout_ns))
            pool->kernel_timeout_ns = step->kernel_timeout_ns;
    }
}

bool pool_knows(const struct pool *pool, uint64_t job, uint32_t step)
{
    return find_step(pool, job, step) != NULL;
}

const void *pool_packed(const struct pool *pool, uint64_t job, uint32_t number, size_t *ret_len)
{
    const struct pool_step *step = find_step(pool, job, number);
    *ret_len = step ? step->packed_len : 0;
    return step ? step->packed : NULL;
}

int pool_define(struct pool *pool, const struct msg_step *message, struct err *err)
{
    struct pool_step *step = NULL;
    if (find_step(pool, message->job, message->step))
        return 0;
    int r = pool_step_new(message, pool->n_slots, &step, err);
    if (r < 0)
        return r;
    LIST_INSERT_HEAD(&pool->steps, step, entry);
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
    backlog_move(&pool->waiting, &pool->queue, step);
    pool_wake(pool);
    return 0;
}

static void end_waiting(struct pool *pool, const struct pool_step *step)
{
    struct backlog over;
    struct backlog_part *part;
    backlog_init(&over);
    backlog_move(&pool->waiting, &over, step);
    while ((part = backlog_first(&over))) {
        const struct ending ending = {.outcome = OUTCOME_NOT_FOUND, .code = 127};
        const struct result result =
            lease_copy_result(part->copy, part->at, ending, step->hopeless);
        pool_deliver(pool, part->copy, &result);
        backlog_drop(&over, 1);
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
    struct pool_step *next;
    for (struct pool_step *step = LIST_FIRST(&pool->steps); step; step = next) {
        next = LIST_NEXT(step, entry);
        if (step->job != job)
            continue;
        LIST_REMOVE(step, entry);
        step->forgotten = true;
        pool_step_unref(step);
        any = true;
    }
    if (!any)
        return;
    note_steps(pool);
    backlog_return(&pool->queue, job, false, NULL, NULL);
    backlog_return(&pool->waiting, job, false, NULL, NULL);
    for (uint32_t i = 0; i < pool->n_slots; i++)
        slot_forget(&pool->slots[i], job);
}

int pool_add(struct pool *pool, const struct lease *lease)
{
    struct pool_step *step = find_step(pool, lease->job, lease->step);
    struct lease_copy *copy = NULL;
    if (!step)
        return -ENOENT;
    int r = lease_copy_new(step, lease, &copy);
    if (r < 0)
        return r;
    r = backlog_push(step->waits ? &pool->waiting : &pool->queue, copy, 0, lease->count);
    lease_copy_unref(copy);
    if (step->hopeless)
        end_waiting(pool, step);
    pool_wake(pool);
    return r;
}
