#include "worker/pool/held.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pipelines/plan.h"

static int64_t kernel_timeout(const struct plan *plan)
{
    int64_t least = 0;
    const struct step *step = &plan->steps[0];
    for (size_t i = 0; i < step->n_stages; i++) {
        const struct stage *stage = &step->stages[i];
        if (stage->kind == STAGE_KERNEL && stage->timeout_ns &&
            (!least || stage->timeout_ns < least))
            least = stage->timeout_ns;
    }
    return least;
}

int pool_step_new(const struct msg_step *from, uint32_t slots, struct pool_step **ret,
                  struct err *err)
{
    struct plan *plan = NULL;
    int r = plan_unpack_step(from->packed, from->packed_len, &plan, err);
    if (r < 0)
        return r;
    int64_t timeout_ns = kernel_timeout(plan);
    double cpus = plan->steps[0].cpus;
    uint32_t weight = cpus > 1 ? (uint32_t)ceil(cpus < slots ? cpus : slots) : 1;
    plan_free(plan);
    struct pool_step *step = calloc(1, sizeof(*step));
    uint64_t *known = calloc(slots / 64 + 1, sizeof(*known));
    uint8_t *packed = malloc(from->packed_len);
    if (!step || !known || !packed) {
        free(step);
        free(known);
        free(packed);
        return err_sys(err, -ENOMEM, "step %u", from->step);
    }
    step->refs = 1;
    step->job = from->job;
    step->step = from->step;
    step->kernel_timeout_ns = timeout_ns;
    step->weight = weight;
    step->known = known;
    step->n_known = slots / 64 + 1;
    step->packed = packed;
    step->packed_len = from->packed_len;
    memcpy(step->packed, from->packed, from->packed_len);
    *ret = step;
    return 0;
}

void pool_step_unref(struct pool_step *step)
{
    if (--step->refs)
        return;
    free(step->known);
    free(step->packed);
    free(step->hopeless);
    free(step);
}

// One allocation: the struct, the lengths, the offsets, the payloads.
int held_new(struct pool_step *step, const struct lease *lease, struct held **ret)
{
    size_t n = lease->lens ? lease->count : 0;
    size_t lists = n ? (n + n + 1) * sizeof(uint32_t) : 0;
    size_t body = n ? lease->body_len : 0;
    struct held *held = malloc(sizeof(*held) + lists + body);
    if (!held)
        return -ENOMEM;
    *held = (struct held){.refs = 1, .step = step, .lease = *lease};
    step->refs++;
    held->lease.lens = NULL;
    held->lease.body = NULL;
    held->lease.body_len = body;
    if (n) {
        uint32_t *lens = (uint32_t *)(void *)(held + 1);
        uint8_t *payloads = (uint8_t *)(held + 1) + lists;
        held->offsets = lens + n;
        memcpy(lens, lease->lens, n * sizeof(*lens));
        held->offsets[0] = 0;
        for (size_t i = 0; i < n; i++)
            held->offsets[i + 1] = held->offsets[i] + lens[i];
        if (body)
            memcpy(payloads, lease->body, body);
        held->lease.lens = lens;
        held->lease.body = payloads;
    }
    *ret = held;
    return 0;
}

void held_unref(struct held *held)
{
    if (--held->refs)
        return;
    pool_step_unref(held->step);
    free(held);
}

static struct held_part *part_new(struct held *held, uint32_t at, uint32_t end)
{
    struct held_part *part = malloc(sizeof(*part));
    if (!part)
        return NULL;
    *part = (struct held_part){.held = held, .at = at, .end = end};
    held->refs++;
    return part;
}

static void part_free(struct held_part *part)
{
    held_unref(part->held);
    free(part);
}

int held_queue_push(struct held_queue *q, struct held *held, uint32_t at, uint32_t end)
{
    struct held_part *part = part_new(held, at, end);
    if (!part)
        return -ENOMEM;
    if (q->last)
        q->last->next = part;
    else
        q->first = part;
    q->last = part;
    q->chunks += end - at;
    return 0;
}

int held_queue_push_front(struct held_queue *q, struct held *held, uint32_t at, uint32_t end)
{
    struct held_part *part = part_new(held, at, end);
    if (!part)
        return -ENOMEM;
    part->next = q->first;
    q->first = part;
    if (!q->last)
        q->last = part;
    q->chunks += end - at;
    return 0;
}

void held_queue_drop(struct held_queue *q, uint32_t n)
{
    struct held_part *part = q->first;
    part->at += n;
    q->chunks -= n;
    if (part->at < part->end)
        return;
    q->first = part->next;
    if (!q->first)
        q->last = NULL;
    part_free(part);
}

void held_queue_return(struct held_queue *q, uint64_t job, bool all_jobs,
                       void (*back)(void *arg, const struct msg_return *run), void *arg)
{
    struct held_part **at = &q->first;
    struct held_part *last = NULL;
    while (*at) {
        struct held_part *part = *at;
        const struct lease *lease = &part->held->lease;
        if (!all_jobs && lease->job != job) {
            last = part;
            at = &part->next;
            continue;
        }
        if (back)
            back(arg, &(struct msg_return){.job = lease->job,
                                           .step = lease->step,
                                           .attempt = lease->attempt,
                                           .first = lease->first + part->at,
                                           .count = part->end - part->at});
        q->chunks -= part->end - part->at;
        *at = part->next;
        part_free(part);
    }
    q->last = last;
}

void held_queue_move(struct held_queue *from, struct held_queue *to, const struct pool_step *step)
{
    struct held_part **at = &from->first;
    struct held_part *last = NULL;
    while (*at) {
        struct held_part *part = *at;
        uint32_t n = part->end - part->at;
        if (part->held->step != step) {
            last = part;
            at = &part->next;
            continue;
        }
        *at = part->next;
        from->chunks -= n;
        part->next = NULL;
        if (to->last)
            to->last->next = part;
        else
            to->first = part;
        to->last = part;
        to->chunks += n;
    }
    from->last = last;
}

void held_queue_done(struct held_queue *q)
{
    while (q->first)
        held_queue_drop(q, q->first->end - q->first->at);
}
