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
