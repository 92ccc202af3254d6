// Leases that have not begun go back to where a slot idles.
//
// A worker has chunks ahead of its slots, so that they never wait for the coordinator. When chunks
// are long, or few are left, those would wait there while slots of others idle: they are asked for
// by RECALL, from who has most, never more than idle slots could take. The worker answers by
// RETURN, BEGUN or the result; until then the chunk stays leased.
#include <stdlib.h>

#include "base/clock.h"
#include "coordinator/core/place.h"

#define MISSES_MAX 64 // workers in one turn for which nothing was found; the others come next

void chunk_answered(struct core *core, struct chunk *chunk)
{
    struct core_worker *worker = chunk->worker;
    if (!chunk->recalled)
        return;
    chunk->recalled = false;
    core->recalled--;
    heap_remove(&core->answers, &worker->answer);
    // It answers: the next one has its time from now.
    if (--worker->recalled)
        heap_push(&core->answers, &worker->answer, clock_after(core->now, CORE_ANSWER_NS));
}

// Whether the action is a recall that the chunk continues, upwards or downwards.
static bool joins(struct action *action, const struct chunk *chunk)
{
    struct msg_return *run = &action->recall;
    if (action->type != ACT_RECALL || action->worker != chunk->worker->id ||
        run->job != chunk->step->job->id || run->step != chunk->step->number ||
        run->attempt != chunk->attempt || run->count >= PROTO_RUN_CHUNKS_MAX)
        return false;
    if (chunk->number + 1 == run->first)
        run->first--;
    else if (chunk->number != run->first + run->count)
        return false;
    run->count++;
    return true;
}

bool chunk_recall(struct core *core, struct chunk *chunk, struct actions *actions)
{
    struct core_worker *worker = chunk->worker;
    if (!worker->recalled &&
        heap_push(&core->answers, &worker->answer, clock_after(core->now, CORE_ANSWER_NS)) < 0)
        return false;
    if (!actions->len || !joins(&actions->list[actions->len - 1], chunk)) {
        struct action *action = action_add(actions, ACT_RECALL, chunk->step->job->id, worker->id);
        if (!action) {
            if (!worker->recalled)
                heap_remove(&core->answers, &worker->answer);
            return false;
        }
        action->recall = (struct msg_return){.job = chunk->step->job->id,
                                             .step = chunk->step->number,
                                             .attempt = chunk->attempt,
                                             .first = chunk->number,
                                             .count = 1};
    }
    chunk->recalled = true;
    worker->recalled++;
    core->recalled++;
    return true;
}

void job_recall(struct core *core, struct core_job *job, struct actions *actions)
{
    for (struct core_worker *w = core->workers; w && job->leased > job->begun; w = w->hh.next) {
        struct chunk *chunk;
        TAILQ_FOREACH (chunk, &w->leased.chunks, in_queue)
            if (chunk->step->job == job && !chunk->began && !chunk->recalled)
                chunk_recall(core, chunk, actions);
    }
}

void worker_answer_due(struct core *core, struct core_worker *worker, struct actions *actions)
{
    static const char reason[] = "it has not given back chunks that it was asked for";
    struct action *action = action_add(actions, ACT_DROP, 0, worker->id);
    if (action)
        action->reason = reason;
    worker_down(core, worker, reason, actions);
}

static uint64_t idle_slots(const struct core_worker *worker)
{
    // One that is asked for chunks is not to get others for them.
    if (worker->draining || !worker->window_items || worker->recalled)
        return 0;
    uint64_t most = worker->slots < worker->window_items ? worker->slots : worker->window_items;
    return worker->leased.n < most ? most - worker->leased.n : 0;
}

static const struct chunk *oldest_unbegun(const struct core_worker *worker)
{
    const struct chunk *chunk = TAILQ_FIRST(&worker->leased.chunks);
    while (chunk && (chunk->began || chunk->recalled))
        chunk = TAILQ_NEXT(chunk, in_queue);
    return chunk;
}

static void look_at(struct core *core, int64_t when)
{
    if (when < core->recall_at)
        core->recall_at = when;
}

// It was asked a while ago: what it has is not counted on, and it is not asked for more.
static bool is_late(struct core *core, const struct core_worker *worker)
{
    if (!worker->recalled)
        return false;
    int64_t late = worker->answer.deadline - CORE_ANSWER_NS + CORE_STALL_NS;
    if (late > core->now)
        look_at(core, late);
    return late <= core->now;
}

// How many of a worker's leases are not running and not about to.
static uint64_t spare(struct core *core, const struct core_worker *worker)
{
    if (is_late(core, worker))
        return 0;
    uint64_t unbegun = worker->leased.n - worker->begun - worker->recalled;
    uint64_t free = worker->slots > worker->begun ? worker->slots - worker->begun : 0;
    const struct chunk *oldest = unbegun && free ? oldest_unbegun(worker) : NULL;
    if (!oldest)
        return unbegun;
    // It would have begun them by now, had it been able to.
    int64_t stalls = clock_after(oldest->leased_at, CORE_STALL_NS);
    if (stalls <= core->now)
        return unbegun;
    look_at(core, stalls);
    return unbegun > free ? unbegun - free : 0;
}

static struct core_worker *who_has_most(struct core *core, const struct core_worker *other)
{
    struct core_worker *best = NULL;
    uint64_t most = 0;
    for (struct core_worker *w = core->workers; w; w = w->hh.next) {
        uint64_t n = w == other ? 0 : spare(core, w);
        if (n > most) {
            most = n;
            best = w;
        }
    }
    return best;
}

// Whether the chunk has waited at its worker long enough to be asked for. If not, it is looked at
// then.
static bool is_due(struct core *core, const struct chunk *chunk)
{
    int64_t due = clock_after(chunk->leased_at, CORE_RECALL_NS);
    if (due > core->now)
        look_at(core, due);
    return due <= core->now;
}

// The newest lease that has waited long enough and that `other` could take.
static struct chunk *pick_lease(struct core *core, const struct core_worker *worker,
                                const struct core_worker *other)
{
    const struct chunk *oldest = oldest_unbegun(worker);
    if (!oldest || !is_due(core, oldest))
        return NULL;
    struct chunk *chunk;
    TAILQ_FOREACH_REVERSE(chunk, &worker->leased.chunks, line, in_queue)
    if (!chunk->began && !chunk->recalled && worker_could_take(core, other, chunk) &&
        is_due(core, chunk))
        return chunk;
    return NULL;
}

// For its idle slots beyond those that `on_its_way` will fill. False: no one has anything to spare.
static bool recall_for(struct core *core, const struct core_worker *worker, uint64_t *on_its_way,
                       unsigned *misses, struct actions *actions)
{
    uint64_t idle = idle_slots(worker);
    uint64_t filled = *on_its_way < idle ? *on_its_way : idle;
    *on_its_way -= filled;
    for (idle -= filled; idle > 0; idle--) {
        const struct core_worker *from = who_has_most(core, worker);
        if (!from)
            return spare(core, worker) > 0;
        struct chunk *chunk = pick_lease(core, from, worker);
        if (!chunk || !chunk_recall(core, chunk, actions)) {
            ++*misses;
            break;
        }
    }
    return true;
}

// The newest lease of a job of a lower priority that has waited long enough.
static struct chunk *pick_lower(struct core *core, const struct core_worker *worker,
                                int32_t priority)
{
    const struct chunk *oldest = oldest_unbegun(worker);
    if (!oldest || !is_due(core, oldest))
        return NULL;
    struct chunk *chunk;
    TAILQ_FOREACH_REVERSE(chunk, &worker->leased.chunks, line, in_queue)
    if (!chunk->began && !chunk->recalled && chunk->step->job->plan->priority < priority &&
        clock_after(chunk->leased_at, CORE_RECALL_NS) <= core->now)
        return chunk;
    return NULL;
}

// What waits at workers does not come before what is more urgent and has no place there.
static void recall_for_urgent(struct core *core, struct actions *actions)
{
    const struct core_step *step = core->n_prioritized ? core_first_want(core) : NULL;
    uint64_t wanted = step ? step->pending.n : 0;
    wanted -= wanted < core->recalled ? wanted : core->recalled;
    for (const struct core_worker *w = core->workers; w && wanted > 0; w = w->hh.next) {
        struct chunk *chunk;
        if (w->draining || is_late(core, w) || w->leased.n == w->begun + w->recalled ||
            !worker_lasts(core, w, step))
            continue;
        while (wanted > 0 && (chunk = pick_lower(core, w, step->job->plan->priority)) &&
               chunk_recall(core, chunk, actions))
            wanted--;
    }
}

void core_recall(struct core *core, struct actions *actions)
{
    unsigned n = HASH_COUNT(core->workers), misses = 0;
    core->recall_at = CLOCK_FOREVER;
    if (core->stats.leased > core->begun + core->recalled)
        recall_for_urgent(core, actions);
    if (n < 2 || core->stats.leased == core->begun + core->recalled)
        return;
    uint64_t on_its_way = core->recalled;
    const struct core_worker *w;
    for (w = core->workers; w && core->recalled; w = w->hh.next)
        on_its_way -= is_late(core, w) ? w->recalled : 0;
    w = worker_find(core, core->recall_next);
    for (; n > 0 && misses < MISSES_MAX; n--, w = w->hh.next) {
        w = w ? w : core->workers;
        if (!recall_for(core, w, &on_its_way, &misses, actions))
            return;
    }
    core->recall_next = w ? w->id : 0;
    if (n > 0)
        look_at(core, clock_after(core->now, CORE_RECALL_NS));
}
