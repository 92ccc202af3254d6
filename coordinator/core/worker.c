#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "coordinator/core/place.h"

struct core_worker *worker_find(const struct core *core, uint64_t id)
{
    struct core_worker *worker = NULL;
    HASH_FIND(hh, core->workers, &id, sizeof(id), worker);
    return worker;
}

int worker_up(struct core *core, uint64_t id, const struct msg_register *reg)
{
    if (worker_find(core, id))
        return -EINVAL;
    struct core_worker *worker = calloc(1, sizeof(*worker));
    if (!worker)
        return -ENOMEM;
    worker->id = id;
    queue_init(&worker->leased);
    worker->slots = reg->slots < 1 ? 1 : reg->slots;
    worker->total = reg->resources;
    if (!worker->total.cpus)
        worker->total.cpus = 1000ull * worker->slots;
    worker->last_seen = core->now;
    if (reg->ends_in_ns)
        worker->ends = clock_after(core->now, reg->ends_in_ns);
    if (heap_push(&core->silences, &worker->silence, core->now + core->options.silence_ns) < 0) {
        free(worker);
        return -ENOMEM;
    }
    HASH_ADD(hh, core->workers, id, sizeof(worker->id), worker);
    if (!core->slots)
        core_touch_all(core); // their sources may be read now
    core->slots += worker->slots;
    core->stats.workers++;
    return 0;
}

void worker_credit(struct core *core, struct core_worker *worker, const struct msg_credit *credit)
{
    uint32_t window =
        credit->window_items < PROTO_WINDOW_MAX ? credit->window_items : PROTO_WINDOW_MAX;
    uint32_t before = step_window(core);
    core->windows += window;
    core->windows -= worker->window_items;
    worker->window_items = window;
    if (step_window(core) != before)
        core_touch_all(core);
    worker->window_bytes = credit->window_bytes;
}

void worker_free(struct core *core, struct core_worker *worker)
{
    heap_remove(&core->silences, &worker->silence);
    asides_forget(core, worker, NULL);
    heap_remove(&core->answers, &worker->answer);
    HASH_DELETE(hh, core->workers, worker);
    if (worker->kept_for)
        step_unreserve(worker->kept_for);
    core->slots -= worker->slots;
    core->windows -= worker->window_items;
    core->stats.workers--;
    struct known_job *known, *next;
    HASH_ITER (hh, worker->known, known, next) {
        HASH_DELETE(hh, worker->known, known);
        free(known);
    }
    free(worker);
}

void worker_down(struct core *core, struct core_worker *worker, const char *reason,
                 struct actions *actions)
{
    // What has just begun is not known yet. Executors take chunks in the order of their leases: of
    // those that are not known to run, only the oldest can, one for each slot that is left.
    uint64_t unknown = worker->slots > worker->begun ? worker->slots - worker->begun : 0;
    for (struct chunk *chunk; (chunk = TAILQ_FIRST(&worker->leased.chunks));) {
        bool may_have_run = chunk->began || unknown > 0;
        unknown -= may_have_run && !chunk->began;
        chunk_lost(core, chunk, may_have_run, reason, actions);
    }
    worker_free(core, worker);
}

void worker_back(struct core *core, struct core_worker *worker, struct actions *actions)
{
    for (struct chunk *chunk; (chunk = TAILQ_FIRST(&worker->leased.chunks));)
        chunk_lost(core, chunk, false, "", actions);
    worker_free(core, worker);
}

void worker_silence_due(struct core *core, struct core_worker *worker, struct actions *actions)
{
    int64_t due = worker->last_seen + core->options.silence_ns;
    heap_remove(&core->silences, &worker->silence);
    if (due > core->now && heap_push(&core->silences, &worker->silence, due) == 0)
        return;
    struct action *action = action_add(actions, ACT_DROP, 0, worker->id);
    if (action)
        action->reason = "silent for too long";
    worker_down(core, worker, "silent for too long", actions);
}

static struct known_job *find_known(const struct core_worker *worker, uint64_t job)
{
    struct known_job *known = NULL;
    HASH_FIND(hh, worker->known, &job, sizeof(job), known);
    return known;
}

bool worker_has_started(const struct core_worker *worker, uint64_t job, uint32_t step)
{
    const struct known_job *known = find_known(worker, job);
    return known && known->started & 1u << step;
}

void worker_note_start(struct core_worker *worker, uint64_t job, uint32_t step)
{
    struct known_job *known = find_known(worker, job);
    if (known)
        known->started |= 1u << step;
}

bool worker_knows_job(const struct core_worker *worker, uint64_t job)
{
    return find_known(worker, job) != NULL;
}

bool worker_learn_step(struct core_worker *worker, uint64_t job, uint32_t step, int *ret_error)
{
    struct known_job *known = find_known(worker, job);
    *ret_error = 0;
    if (!known) {
        known = calloc(1, sizeof(*known));
        if (!known) {
            *ret_error = -ENOMEM;
            return false;
        }
        known->job = job;
        HASH_ADD(hh, worker->known, job, sizeof(known->job), known);
    }
    uint32_t bit = 1u << step;
    bool is_new = !(known->steps & bit);
    known->steps |= bit;
    return is_new;
}

void worker_forget_job(struct core_worker *worker, uint64_t job)
{
    struct known_job *known = find_known(worker, job);
    if (!known)
        return;
    HASH_DELETE(hh, worker->known, known);
    free(known);
}
