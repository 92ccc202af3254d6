#include "worker/pool/backlog.h"

#include <errno.h>
#include <stdlib.h>

static struct backlog_part *part_new(struct backlog *b, struct lease_copy *copy, uint32_t at,
                                     uint32_t end)
{
    struct backlog_part *part = malloc(sizeof(*part));
    if (!part)
        return NULL;
    *part = (struct backlog_part){.copy = copy, .at = at, .end = end};
    copy->refs++;
    b->chunks += end - at;
    return part;
}

static void part_remove(struct backlog *b, struct backlog_part *part)
{
    TAILQ_REMOVE(&b->parts, part, entry);
    b->chunks -= part->end - part->at;
}

static void part_free(struct backlog_part *part)
{
    lease_copy_unref(part->copy);
    free(part);
}

void backlog_init(struct backlog *b)
{
    *b = (struct backlog){0};
    TAILQ_INIT(&b->parts);
}

void backlog_done(struct backlog *b)
{
    backlog_return(b, 0, true, NULL, NULL);
}

int backlog_push(struct backlog *b, struct lease_copy *copy, uint32_t at, uint32_t end)
{
    struct backlog_part *part = part_new(b, copy, at, end);
    if (!part)
        return -ENOMEM;
    TAILQ_INSERT_TAIL(&b->parts, part, entry);
    return 0;
}

int backlog_push_front(struct backlog *b, struct lease_copy *copy, uint32_t at, uint32_t end)
{
    struct backlog_part *first = backlog_first(b);
    if (first && first->copy == copy && first->at == end) {
        first->at = at;
        b->chunks += end - at;
        return 0;
    }
    struct backlog_part *part = part_new(b, copy, at, end);
    if (!part)
        return -ENOMEM;
    TAILQ_INSERT_HEAD(&b->parts, part, entry);
    return 0;
}

void backlog_drop(struct backlog *b, uint32_t n)
{
    struct backlog_part *part = backlog_first(b);
    part->at += n;
    b->chunks -= n;
    if (part->at < part->end)
        return;
    part_remove(b, part);
    part_free(part);
}

void backlog_return(struct backlog *b, uint64_t job, bool all_jobs,
                    void (*back)(void *arg, const struct msg_return *run), void *arg)
{
    struct backlog_part *next;
    for (struct backlog_part *part = backlog_first(b); part; part = next) {
        const struct lease *lease = &part->copy->lease;
        next = TAILQ_NEXT(part, entry);
        if (!all_jobs && lease->job != job)
            continue;
        if (back)
            back(arg, &(struct msg_return){.job = lease->job,
                                           .step = lease->step,
                                           .attempt = lease->attempt,
                                           .first = lease->first + part->at,
                                           .count = part->end - part->at});
        part_remove(b, part);
        part_free(part);
    }
}

// Chunks lo .. hi-1 of a part leave; what is behind them becomes a part of its own.
static int cut_part(struct backlog *b, struct backlog_part *part, uint32_t lo, uint32_t hi)
{
    if (lo > part->at && hi < part->end) {
        struct backlog_part *rest = part_new(b, part->copy, hi, part->end);
        if (!rest)
            return -ENOMEM;
        TAILQ_INSERT_AFTER(&b->parts, part, rest, entry);
        b->chunks -= part->end - lo;
        part->end = lo;
        return 0;
    }
    b->chunks -= hi - lo;
    if (lo > part->at)
        part->end = lo;
    else
        part->at = hi;
    if (part->at == part->end) {
        part_remove(b, part);
        part_free(part);
    }
    return 0;
}

int backlog_take(struct backlog *b, const struct msg_return *run,
                 void (*back)(void *arg, const struct msg_return *run), void *arg)
{
    struct backlog_part *next;
    for (struct backlog_part *part = backlog_first(b); part; part = next) {
        const struct lease *lease = &part->copy->lease;
        uint64_t from = lease->first + part->at, to = lease->first + part->end;
        struct msg_return taken = *run;
        next = TAILQ_NEXT(part, entry);
        if (lease->job != run->job || lease->step != run->step || lease->attempt != run->attempt)
            continue;
        from = from > run->first ? from : run->first;
        to = to < run->first + run->count ? to : run->first + run->count;
        if (from >= to)
            continue;
        taken.first = from;
        taken.count = (uint32_t)(to - from);
        int r = cut_part(b, part, (uint32_t)(from - lease->first), (uint32_t)(to - lease->first));
        if (r < 0)
            return r;
        back(arg, &taken);
    }
    return 0;
}

void backlog_move(struct backlog *from, struct backlog *to, const struct pool_step *step)
{
    struct backlog_part *next;
    for (struct backlog_part *part = backlog_first(from); part; part = next) {
        next = TAILQ_NEXT(part, entry);
        if (part->copy->step != step)
            continue;
        part_remove(from, part);
        TAILQ_INSERT_TAIL(&to->parts, part, entry);
        to->chunks += part->end - part->at;
    }
}

void backlog_pass(struct backlog *b, const struct pool_step *step)
{
    struct backlog passed;
    backlog_init(&passed);
    backlog_move(b, &passed, step);
    backlog_move(&passed, b, step);
}
