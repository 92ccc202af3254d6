// The invariants, as code. Each is a sentence, printed when it does not hold.
#include <stdio.h>
#include <stdlib.h>

#include "coordinator/core/place.h"

#define MUST(condition, sentence)                                                                  \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "core_check: broken: %s (%s)\n", sentence, #condition);                \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

struct counts {
    uint64_t pending, waiting, leased, begun, held, passing, payload_bytes, held_bytes;
};

static void check_chunk(const struct core_step *step, const struct chunk *chunk,
                        struct counts *counts)
{
    MUST(chunk->step == step, "a chunk is in the line of its own step");
    MUST(step_find(step, chunk->number) == chunk, "a live chunk is found by its number");
    MUST(chunk->number < step->fed, "chunks are numbered before they live");
    const struct chunk *next = TAILQ_NEXT(chunk, in_line);
    MUST(!next || next->number > chunk->number, "a line is in order of number");
    MUST(chunk->crashes <= step->job->plan->crash_limit, "crashes stay within their limit");
    MUST(chunk->failures <= step->spec->retry.limit + 1, "retries stay within their limit");
    counts->payload_bytes += chunk->payload.len;
    switch ((enum chunk_state)chunk->state) {
    case CHUNK_NOWHERE:
        MUST(false, "a live chunk is in exactly one place");
        break;
    case CHUNK_PENDING:
        counts->pending++;
        next = TAILQ_NEXT(chunk, in_queue);
        MUST(!next || next->number > chunk->number, "pending is in order of number");
        MUST(chunk->n_parts == 0, "a chunk that is to run has no result");
        break;
    case CHUNK_WAITING:
        counts->waiting++;
        MUST(heap_holds(&chunk->retry), "a waiting chunk has a timer");
        break;
    case CHUNK_LEASED:
        counts->leased++;
        MUST(chunk->worker, "a leased chunk has a worker");
        MUST(chunk->attempt > 0, "attempts count from 1");
        counts->begun += chunk->began != 0;
        break;
    case CHUNK_HELD:
        counts->held++;
        counts->held_bytes += chunk->result_bytes + chunk->error_bytes;
        counts->passing += chunk_is_passing(chunk);
        MUST(chunk->ending.outcome != OUTCOME_CANCELLED || chunk->unwanted,
             "a cancelled chunk is not a result");
        break;
    }
    if (chunk->state != CHUNK_LEASED)
        MUST(!chunk->began && !chunk->recalled, "only leased chunks run or are asked for");
    if (chunk->state != CHUNK_WAITING)
        MUST(!heap_holds(&chunk->retry), "only waiting chunks have a timer");
}

static void check_line(const struct core_step *step, const struct line *line, uint64_t *n,
                       struct counts *counts)
{
    const struct chunk *chunk;
    TAILQ_FOREACH (chunk, line, in_line) {
        check_chunk(step, chunk, counts);
        ++*n;
    }
}

static uint64_t queue_length(const struct queue *queue)
{
    uint64_t n = 0;
    const struct chunk *chunk;
    TAILQ_FOREACH (chunk, &queue->chunks, in_queue)
        n++;
    MUST(n == queue->n, "a queue knows its length");
    return n;
}

static void check_step(const struct core *core, const struct core_step *step, struct counts *all)
{
    struct counts c = {0};
    uint64_t n = 0;
    uint64_t inputs = cutter_held(&step->cutter) + step->inputs.len;
    check_line(step, &step->line, &n, &c);
    for (uint32_t i = 0; i < step->n_levels; i++) {
        check_line(step, &step->levels[i].line, &n, &c);
        inputs += step->levels[i].inputs.len;
    }
    MUST(n == step->index.len, "the index holds exactly the live chunks");
    MUST(c.pending == queue_length(&step->pending), "pending chunks are counted");
    MUST(c.held == queue_length(&step->held), "held chunks are counted");
    MUST(c.waiting == step->waiting, "waiting chunks are counted");
    MUST(c.leased == step->leased, "leased chunks are counted");
    MUST(c.passing == step->passing, "results for the next step are counted");
    MUST(c.payload_bytes + inputs == step->input_bytes, "bytes of inputs are counted");
    MUST(c.held_bytes == step->held_bytes, "bytes of results are counted");
    // One result may become many chunks of the next step, so only the source's edge is exact.
    if (step->number == 0 && !core->options.window_items)
        MUST(n <= CORE_WINDOW_MAX, "a step is bounded by its window");
    if (step->number == 0 && core->options.window_items)
        MUST(n <= core->options.window_items, "a step is bounded by its window");
    all->pending += c.pending;
    all->waiting += c.waiting;
    all->leased += c.leased;
    all->begun += c.begun;
    all->held += c.held;
    all->held_bytes += c.held_bytes;
}

static void check_job(const struct core *core, const struct core_job *job, struct counts *all)
{
    struct counts c = {0};
    for (uint32_t i = 0; i < job->n_steps; i++)
        check_step(core, &job->steps[i], &c);
    MUST(c.leased == job->leased, "a job knows its leased chunks");
    MUST(c.begun == job->begun, "a job knows which of them have begun");
    MUST(job->delivered <= job->credit_items, "nothing is delivered without credit");
    MUST(job->state == JOB_RUNNING || c.pending + c.waiting == 0,
         "a job that winds down begins nothing");
    if (job->plan->parallelism)
        MUST(job->leased <= job->plan->parallelism, "parallelism is kept");
    if (job->n_steps == 1 && job->state == JOB_RUNNING) {
        const struct core_step *step = &job->steps[0];
        MUST(job->summary.ok + job->summary.failed ==
                 job->summary.chunks - (step_live(step) - step->held.n),
             "every chunk that is over was counted once");
        // Parts of running chunks are records, too.
        uint64_t ended = job->summary.ok + job->summary.failed - step->held.n;
        MUST(job->plan->partial ? job->delivered >= ended : job->delivered == ended,
             "what is over is held or delivered");
    }
    all->pending += c.pending + c.waiting;
    all->leased += c.leased;
    all->held += c.held;
    all->held_bytes += c.held_bytes;
}

static uint64_t check_worker(const struct core_worker *worker)
{
    uint64_t bytes = 0, begun = 0, recalled = 0;
    const struct chunk *chunk;
    TAILQ_FOREACH (chunk, &worker->leased.chunks, in_queue) {
        MUST(chunk->worker == worker && chunk->state == CHUNK_LEASED,
             "a worker's queue holds what it leased");
        bytes += chunk->payload.len;
        begun += chunk->began != 0;
        recalled += chunk->recalled;
        MUST(!chunk->recalled || !chunk->began, "what has begun is not asked for");
    }
    MUST(recalled == worker->recalled, "what a worker was asked for is counted");
    MUST(heap_holds(&worker->answer) == (recalled > 0), "an answer is waited for while it is due");
    MUST(begun == worker->begun, "a worker's chunks that have begun are counted");
    MUST(bytes == worker->leased_bytes, "leased bytes are counted");
    MUST(heap_holds(&worker->silence), "a worker's silence is watched");
    MUST(worker->acked_seq <= worker->seen_seq, "only what was seen is acknowledged");
    return queue_length(&worker->leased);
}

static void check_claims(const struct core_worker *worker)
{
    static const struct resources nothing;
    struct resources claimed = {0};
    const struct chunk *chunk;
    TAILQ_FOREACH (chunk, &worker->leased.chunks, in_queue)
        if (chunk->step->claims)
            resources_add(&claimed, &chunk->step->claim, 1);
    MUST(claimed.cpus == worker->claimed.cpus && claimed.gpus == worker->claimed.gpus &&
             claimed.memory_bytes == worker->claimed.memory_bytes,
         "claims are those of the leased chunks");
    MUST(resources_fit(&worker->total, &nothing, &claimed, 1) == 1 ||
             (claimed.cpus == 0 && claimed.memory_bytes == 0 && claimed.gpus == 0 &&
              claimed.n_labels == 0),
         "a worker's resources are never claimed twice");
}

static bool is_touched(const struct core *core, const struct core_job *job)
{
    const struct core_job *touched;
    TAILQ_FOREACH (touched, &core->touched, in_touched)
        if (touched == job)
            return true;
    return false;
}

// What wants() holds of the steps of a job. Once nothing has happened since the last turn, it is
// exact.
static void check_wants(const struct core *core, const struct core_job *job, uint64_t *ready)
{
    uint32_t wanting = 0;
    MUST(is_touched(core, job) == job->is_touched, "touched jobs are in the list of them");
    for (uint32_t i = 0; i < job->n_steps; i++) {
        const struct core_step *step = &job->steps[i];
        bool wants = heap_holds(&step->want);
        wanting += wants;
        *ready += step->ready;
        MUST(step->shape, "a step has a shape");
        MUST(wants || step->ready == 0, "only what may be leased is ready");
        MUST(!step->reserved || (wants && step->reserved->kept_for == step),
             "a place is kept for a step that wants one");
        if (job->is_touched)
            continue;
        uint32_t cap = job->plan->parallelism;
        bool may = job->state == JOB_RUNNING && !job->blocks && !(cap && job->leased >= cap) &&
                   step_can_lease(core, step);
        MUST(wants == may, "a step wants while its chunks may be leased");
        MUST(!wants || step->ready == step->pending.n, "what is ready is counted");
    }
    MUST(wanting == job->n_wanting, "a job knows how many of its steps want");
}

void core_check(const struct core *core)
{
    struct counts all = {0};
    uint64_t leased = 0, slots = 0, windows = 0, recalled = 0;
    uint64_t ready = 0, begun = 0;
    uint32_t wanting = 0;
    for (const struct core_job *job = core->jobs; job; job = job->hh.next) {
        check_job(core, job, &all);
        check_wants(core, job, &ready);
        wanting += job->n_wanting > 0;
    }
    MUST(ready == core->ready && wanting == core->wanting, "what may be leased is counted");
    for (const struct core_worker *worker = core->workers; worker; worker = worker->hh.next) {
        leased += check_worker(worker);
        check_claims(worker);
        slots += worker->slots;
        windows += worker->window_items;
        recalled += worker->recalled;
        begun += worker->begun;
        MUST(!worker->kept_for || worker->kept_for->reserved == worker,
             "a worker is kept for a step that knows it");
    }
    MUST(leased == all.leased, "every leased chunk is with a worker");
    MUST(all.leased == core->stats.leased, "leased chunks are counted");
    MUST(all.pending == core->stats.pending, "pending chunks are counted");
    MUST(all.held_bytes == core->held_bytes, "bytes of results are counted");
    MUST(all.held == core->stats.held, "held chunks are counted");
    MUST(begun == core->begun, "chunks that have begun are counted");
    MUST(recalled == core->recalled, "what workers were asked for is counted");
    MUST(slots == core->slots && windows == core->windows, "slots and windows are counted");
}
