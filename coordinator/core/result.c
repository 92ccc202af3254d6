#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/grow.h"
#include "coordinator/core/place.h"

#define MEAN_WEIGHT 8 // runs that the mean looks back on

// Keeps the entry's bytes: a small result as a copy, so that it does not pin the message.
static int keep_bytes(const struct slice *body, bool spooled, struct slice **list, size_t *n,
                      size_t *bytes)
{
    if (!body->len)
        return 0;
    if (*n >= CORE_PARTS_MAX || *bytes + body->len > PROTO_RESULT_MAX)
        return -EMSGSIZE;
    if (grow(*list, *n, 1) < 0)
        return -ENOMEM;
    struct slice *parts = *list;
    if ((body->len <= CORE_RESULT_COPY_MAX && !spooled) || !body->slab) {
        if (slice_copy(body->data, body->len, &parts[*n]) < 0)
            return -ENOMEM;
    } else {
        parts[*n] = slice_ref(body);
    }
    ++*n;
    *bytes += body->len;
    return 0;
}

static void add_item_len(struct chunk *chunk, uint32_t len)
{
    chunk->item_lens[chunk->n_items++] = len;
}

// The lengths of single results, for a next step that counts them. Parts without lengths are pieces
// of one result; a result without any lengths is one item.
static int keep_item_lens(struct chunk *chunk, const struct result *result)
{
    const struct core_job *job = chunk->step->job;
    uint32_t next = chunk->step->number + 1;
    size_t before = chunk->result_bytes - result->body_len;
    if (next >= job->n_steps || !step_wants_item_lens(&job->steps[next]))
        return 0;
    if (!result->item_lens && (!chunk->n_items || !result->body_len))
        return 0;
    uint32_t n = result->item_lens ? result->n_items : 1;
    if (before > UINT32_MAX || chunk->n_items + n + 1 > PROTO_ITEMS_MAX)
        return -EMSGSIZE;
    if (grow(chunk->item_lens, chunk->n_items, n + 1) < 0)
        return -ENOMEM;
    if (!chunk->n_items && before)
        add_item_len(chunk, (uint32_t)before);
    for (uint32_t i = 0; i < n; i++)
        add_item_len(chunk, result->item_lens ? result->item_lens[i] : (uint32_t)result->body_len);
    return 0;
}

static int keep_result(struct chunk *chunk, const struct event *event)
{
    const struct slice *body = &event->result.body;
    bool spooled = event->result.spooled;
    if (event->result.result->is_stderr) {
        // The executor keeps to the limit; of another's endless words the first are enough.
        int kept = keep_bytes(body, spooled, &chunk->errors, &chunk->n_errors, &chunk->error_bytes);
        return kept == -EMSGSIZE ? 0 : kept;
    }
    int r = keep_bytes(body, spooled, &chunk->parts, &chunk->n_parts, &chunk->result_bytes);
    chunk->has_nothing = event->result.result->item_lens && !event->result.result->n_items &&
                         !chunk->n_items && !chunk->result_bytes;
    return r < 0 ? r : keep_item_lens(chunk, event->result.result);
}

static char *copy_text(const char *text, size_t len)
{
    return text && len ? strndup(text, len) : NULL;
}

static int64_t retry_delay(const struct retry_policy *policy, uint32_t failures)
{
    double delay = (double)policy->delay_ns;
    double max = policy->max_delay_ns > 0 ? (double)policy->max_delay_ns : (double)CLOCK_FOREVER;
    for (uint32_t i = 1; i < failures && delay < max; i++)
        delay *= policy->backoff > 1 ? policy->backoff : 1;
    if (delay > max)
        delay = max;
    return delay < 9e18 ? (int64_t)delay : INT64_MAX / 2;
}

static void wait_for_retry(struct core *core, struct chunk *chunk)
{
    int64_t delay = retry_delay(&chunk->step->spec->retry, chunk->failures);
    chunk_drop_result(chunk);
    chunk->step->job->summary.retries++;
    core->stats.retries++;
    if (delay <= 0 || heap_push(&core->retries, &chunk->retry, clock_after(core->now, delay)) < 0) {
        chunk_make_pending(core, chunk);
        return;
    }
    chunk->state = CHUNK_WAITING;
    chunk->step->waiting++;
    core->stats.pending++;
}

static void fail(struct core *core, struct chunk *chunk, struct actions *actions)
{
    chunk_hold(core, chunk);
    job_count_failure(core, chunk->step->job, chunk, actions);
}

// Its worker can't read the file: the chunk waits until its bytes have been fetched from a peer
// that can. Without an answer it is tried again as it is.
static bool fetch(struct core *core, struct chunk *chunk, struct actions *actions)
{
    struct core_job *job = chunk->step->job;
    if (chunk->kind != RUN_EXTENT || chunk->step->number != 0 || job->state != JOB_RUNNING)
        return false;
    struct action *action = action_add(actions, ACT_FETCH, job->id, 0);
    if (!action ||
        heap_push(&core->retries, &chunk->retry, clock_after(core->now, CORE_FETCH_NS)) < 0)
        return false;
    action->fetch.chunk = chunk->number;
    action->fetch.extent = slice_ref(&chunk->payload);
    chunk_drop_result(chunk); // of the worker's try; what the reader says counts
    chunk->state = CHUNK_WAITING;
    chunk->step->waiting++;
    core->stats.pending++;
    return true;
}

void job_fetched(struct core *core, struct core_job *job, const struct event *event,
                 struct actions *actions)
{
    struct chunk *chunk = step_find(&job->steps[0], event->fetched.chunk);
    struct slice *bytes = event->fetched.bytes;
    if (!chunk || chunk->state != CHUNK_WAITING || chunk->kind != RUN_EXTENT) {
        slice_drop(bytes);
        return;
    }
    chunk_unqueue(core, chunk);
    if (event->fetched.code < 0) {
        chunk->error = strdup(event->fetched.text ? event->fetched.text : "");
        chunk->ending.outcome = OUTCOME_INPUT;
        chunk->ending.code = event->fetched.code;
        fail(core, chunk, actions);
        return;
    }
    job->steps[0].input_bytes += bytes->len;
    job->steps[0].input_bytes -= chunk->payload.len;
    slice_drop(&chunk->payload);
    chunk->payload = *bytes;
    *bytes = (struct slice){0};
    chunk->kind = RUN_BYTES;
    chunk_make_pending(core, chunk);
}

// It is in no queue.
static void end_unwanted(struct core *core, struct chunk *chunk, struct actions *actions)
{
    chunk_drop_result(chunk);
    chunk->error = strdup("cancelled by request");
    chunk->ending.outcome = OUTCOME_CANCELLED;
    fail(core, chunk, actions);
}

// A running one is ended; what its worker says of that counts.
static void discard(const struct chunk *chunk, struct actions *actions)
{
    struct action *action =
        action_add(actions, ACT_DISCARD, chunk->step->job->id, chunk->worker->id);
    if (action)
        action->discard = (struct msg_return){.job = chunk->step->job->id,
                                              .step = chunk->step->number,
                                              .attempt = chunk->attempt,
                                              .first = chunk->number,
                                              .count = 1};
}

static bool cancel_chunk(struct core *core, struct chunk *chunk, struct actions *actions)
{
    if (chunk->state == CHUNK_HELD || chunk->unwanted)
        return false;
    chunk->unwanted = true;
    if (chunk->state != CHUNK_LEASED) {
        chunk_unqueue(core, chunk);
        end_unwanted(core, chunk, actions);
    } else if (chunk->began) {
        discard(chunk, actions);
    } else if (!chunk->recalled) {
        chunk_recall(core, chunk, actions);
    }
    return true;
}

uint64_t job_cancel_chunks(struct core *core, struct core_job *job, const struct chunk_range *range,
                           struct actions *actions)
{
    uint64_t n = 0;
    struct chunk *chunk = TAILQ_FIRST(&job->steps[0].line), *next;
    for (; chunk && job->state == JOB_RUNNING && chunk->number <= range->last; chunk = next) {
        next = TAILQ_NEXT(chunk, in_line);
        if (chunk->number >= range->first)
            n += cancel_chunk(core, chunk, actions);
    }
    return n;
}

// An attempt ended badly; the chunk is in no queue.
static void settle_failure(struct core *core, struct chunk *chunk, struct actions *actions)
{
    struct core_job *job = chunk->step->job;
    struct core_worker *worker;
    bool may_run = job->state == JOB_RUNNING;
    if (chunk->unwanted && may_run) {
        end_unwanted(core, chunk, actions);
        return;
    }
    switch (chunk->ending.outcome) {
    case OUTCOME_CANCELLED:
        if (may_run) {
            chunk_drop_result(chunk);
            chunk_make_pending(core, chunk);
            return;
        }
        job->summary.cancelled++;
        chunk_free(core, chunk);
        return;
    case OUTCOME_NOT_FOUND:
    case OUTCOME_NOT_RUNNABLE:
        worker = worker_find(core, chunk->worker_id);
        if (may_run && worker && chunk_try_elsewhere(core, chunk, worker, actions))
            return;
        if (chunk->step->started && may_run &&
            ++chunk->failures <= chunk->step->spec->retry.limit) {
            wait_for_retry(core, chunk);
            return;
        }
        break;
    case OUTCOME_INPUT:
        if (fetch(core, chunk, actions))
            return;
        break;
    case OUTCOME_CRASH:
        if (++chunk->crashes < job->plan->crash_limit && may_run) {
            chunk_drop_result(chunk);
            job->summary.retries++;
            core->stats.retries++;
            chunk_make_pending(core, chunk);
            return;
        }
        break;
    default:
        if (++chunk->failures <= chunk->step->spec->retry.limit && may_run) {
            wait_for_retry(core, chunk);
            return;
        }
        break;
    }
    fail(core, chunk, actions);
}

static void update_mean(struct core_step *step, int64_t run_ns)
{
    if (run_ns < 1)
        run_ns = 1;
    step->mean_run_ns =
        step->mean_run_ns ? (step->mean_run_ns * (MEAN_WEIGHT - 1) + run_ns) / MEAN_WEIGHT : run_ns;
}

// What can only be said of a program or kernel that has begun.
static bool was_started(enum outcome outcome)
{
    return outcome == OUTCOME_OK || outcome == OUTCOME_EXIT || outcome == OUTCOME_SIGNAL ||
           outcome == OUTCOME_TIMEOUT || outcome == OUTCOME_KERNEL;
}

static int settle(struct core *core, struct chunk *chunk, const struct result *result,
                  struct actions *actions)
{
    struct core_step *step = chunk->step;
    chunk->ending = result->ending;
    chunk->error = copy_text(result->error, result->error_len);
    if (result->stderr_len &&
        slice_copy(result->stderr_text, result->stderr_len, &chunk->stderr_text) < 0)
        return -ENOMEM;
    if (chunk->over_limit && result->ending.outcome == OUTCOME_OK) {
        free(chunk->error);
        chunk->error = strdup("its result is larger than 1 GiB");
        chunk->ending.outcome = OUTCOME_LIMIT;
    }
    chunk->worker->active = core->now;
    chunk_unqueue(core, chunk);
    update_mean(step, result->ending.run_ns);
    if (chunk->ending.outcome != OUTCOME_OK) {
        settle_failure(core, chunk, actions);
        return 0;
    }
    if (step_gives_results(step))
        job_count_success(core, chunk);
    // The payload is not needed any more, unless it names the item.
    if (chunk->kind != RUN_BYTES || chunk->items != 1) {
        step->input_bytes -= chunk->payload.len;
        slice_drop(&chunk->payload);
    }
    chunk_hold(core, chunk);
    return 0;
}

// The chunk that the entry names, if the entry counts.
static struct chunk *find_leased(struct core *core, const struct core_worker *worker,
                                 const struct event *event)
{
    const struct result *result = event->result.result;
    struct core_job *job = job_find(core, result->job);
    struct chunk *chunk = NULL;
    if (!job) {
        core->stats.duplicates++;
        return NULL;
    }
    if (result->step < job->n_steps)
        chunk = step_find(&job->steps[result->step], result->chunk);
    if (!chunk && result->step < job->n_steps && result->chunk < job->steps[result->step].fed) {
        core->stats.duplicates++;
        job->summary.duplicates++;
        return NULL;
    }
    if (!chunk || event->result.epoch != core->options.epoch || chunk->state != CHUNK_LEASED ||
        chunk->worker != worker || chunk->attempt != result->attempt) {
        core->stats.fenced++;
        job->summary.fenced++;
        return NULL;
    }
    return chunk;
}

int core_result(struct core *core, struct core_worker *worker, const struct event *event,
                struct actions *actions)
{
    const struct result *result = event->result.result;
    if (event->result.seq > worker->seen_seq)
        worker->seen_seq = event->result.seq;
    struct chunk *chunk = find_leased(core, worker, event);
    if (!chunk)
        return 0;
    struct core_step *step = chunk->step;
    int r = chunk->over_limit ? 0 : keep_result(chunk, event);
    if (r == -EMSGSIZE) {
        chunk_drop_result(chunk);
        chunk->over_limit = true;
        r = 0;
    }
    if (r == 0 && result->more && !chunk->over_limit)
        job_deliver_part(chunk->step->job, chunk, actions);
    if (!result->more && was_started(result->ending.outcome))
        step_was_started(core, step, worker);
    if (r == 0 && !result->more)
        r = settle(core, chunk, result, actions);
    if (r == 0 && !result->more)
        step_judge(core, step, actions);
    if (r < 0) {
        struct core_job *job = job_find(core, result->job);
        job_say(job, "out of memory");
        job_wind_down(core, job, FATE_INTERNAL, CANCEL_KILL, actions);
    }
    return r;
}

int core_begun(struct core *core, struct core_worker *worker, const struct msg_begun *begun,
               struct actions *actions)
{
    const struct core_job *job = job_find(core, begun->job);
    struct chunk *chunk = NULL;
    if (!job)
        return 0;
    if (begun->step >= job->n_steps)
        return -EINVAL;
    chunk = step_find(&job->steps[begun->step], begun->chunk);
    if (!chunk || chunk->state != CHUNK_LEASED || chunk->worker != worker ||
        chunk->attempt != begun->attempt)
        return 0;
    worker->active = core->now;
    chunk_begin(core, chunk, begun->age_ns < core->now ? core->now - begun->age_ns : 0);
    if (chunk->unwanted)
        discard(chunk, actions);
    return 0;
}

int core_return(struct core *core, struct core_worker *worker, uint64_t id,
                const struct msg_return *back, struct actions *actions)
{
    struct core_job *job = job_find(core, id);
    if (!job)
        return 0;
    if (back->step >= job->n_steps)
        return -EINVAL;
    for (uint32_t i = 0; i < back->count; i++) {
        struct chunk *chunk = step_find(&job->steps[back->step], back->first + i);
        if (!chunk || chunk->state != CHUNK_LEASED || chunk->worker != worker ||
            chunk->attempt != back->attempt)
            continue;
        chunk_take_back(core, chunk);
        chunk_drop_result(chunk);
        if (job->state == JOB_RUNNING) {
            if (chunk->unwanted)
                end_unwanted(core, chunk, actions);
            else
                chunk_make_pending(core, chunk);
            continue;
        }
        job->summary.unrun++;
        chunk_free(core, chunk);
    }
    step_judge(core, &job->steps[back->step], actions);
    return 0;
}

void chunk_lost(struct core *core, struct chunk *chunk, bool may_have_run, const char *reason,
                struct actions *actions)
{
    char text[PROTO_TEXT_MAX];
    struct core_step *step = chunk->step;
    // A worker that said it leaves was ended with what it still ran: nobody's fault, and no
    // attempt.
    bool announced = chunk->worker && chunk->worker->draining;
    if (may_have_run)
        chunk_unqueue(core, chunk);
    else
        chunk_take_back(core, chunk);
    if (may_have_run && announced) {
        chunk->attempt--;
        may_have_run = false;
    }
    chunk_drop_result(chunk);
    // What was being cancelled counts as cancelled, however it ended.
    bool blame = may_have_run && chunk->step->job->state != JOB_STOPPING;
    chunk->ending = (struct ending){.outcome = blame ? OUTCOME_CRASH : OUTCOME_CANCELLED};
    if (blame) {
        snprintf(text, sizeof(text), "the worker that ran it was lost: %s", reason);
        chunk->error = strdup(text);
    }
    settle_failure(core, chunk, actions);
    step_judge(core, step, actions);
}
