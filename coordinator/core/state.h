// What the core remembers. Private to coordinator/core/.
//
// A struct chunk lives until its chunk is over and its result has left. It is found by number
// through its step's index, is in its line, in order of number, and in exactly one of these places:
//
//     PENDING  step.pending   waits for a worker's credit
//     LEASED   worker.leased  a worker has it
//     WAITING  (a timer)      waits for its next attempt
//     HELD     step.held      over; waits for its turn, the next step or the consumer
#pragma once
#include <sys/queue.h>
#include <uthash.h>

#include "base/clock.h"
#include "base/container.h"
#include "base/heap.h"
#include "coordinator/core/core.h"
#include "pipelines/source/cutter.h"

#define CORE_WINDOW_MIN 256u   // chunks of a step, so that small jobs start at once
#define CORE_WINDOW_MAX 65536u // about 20 MB of struct chunk
#define CORE_WINDOW_FACTOR 4u  // times what all workers are ready to hold
#define CORE_WINDOW_BYTES (64ull << 20)
#define CORE_LEASE_BYTES (1u << 20)     // payload bytes at which a lease entry is closed
#define CORE_TICK_CHUNKS 65536u         // that one tick moves, so that it does not last
#define CORE_LEVELS_MAX 64u             // of a reduce tree; fan_in >= 2 makes more than 2^63 inputs
#define CORE_REDUCE_BYTES (64ull << 20) // of inputs, at which a reduce chunk begins early
#define CORE_RECUT_BYTES (1u << 20) // of a later step's data chunks, unless the job says otherwise
#define CORE_FETCH_NS                                                                              \
    (60 * INT64_C(1000000000)) // without an answer, until the worker is asked again
#define CORE_ASIDE_NS (5 * INT64_C(1000000000)) // a worker is set aside for a step, at first
#define CORE_ASIDE_DOUBLE_MAX 6u                // times that this doubles: up to 320 s
#define CORE_REFUSALS_MAX 2u  // workers that start others of its step, and not this chunk
#define CORE_UNSTARTED_MAX 3u // chunks that can't be started, of a step of which none ever was
#define CORE_RECALL_NS                                                                             \
    (50 * INT64_C(1000000)) // a lease waits at a worker before another one may have it
#define CORE_STALL_NS                                                                              \
    (1 * INT64_C(1000000000)) // a worker with a free slot does not begin it: it is not about to
#define CORE_ANSWER_NS (30 * INT64_C(1000000000)) // for a RECALL; then the worker is lost
// Without a place, until one is kept.
#define CORE_RESERVE_NS (1 * INT64_C(1000000000))
#define CORE_PARTS_MAX 4096u       // parts of one result
#define CORE_RESULT_COPY_MAX 4096u // up to here results are copied, so that they pin no message

enum chunk_state { CHUNK_NOWHERE, CHUNK_PENDING, CHUNK_LEASED, CHUNK_WAITING, CHUNK_HELD };

struct chunk {
    uint64_t number;
    struct core_step *step;
    TAILQ_ENTRY(chunk) in_line;
    TAILQ_ENTRY(chunk) in_queue;
    struct chunk *next;         // in its bucket of the index; of those to use again
    struct core_worker *worker; // LEASED
    int64_t leased_at;          // LEASED
    int64_t began;              // LEASED: when its worker began it; 0: it is not known to run
    struct heap_node retry;     // WAITING
    struct slice payload;
    uint64_t item_first;
    uint64_t items;
    uint64_t items_per_chunk;
    uint32_t attempt;     // of the last lease that may have begun; 0 before the first
    uint32_t failures;    // attempts that count against the retry limit
    uint32_t crashes;     // attempts that count against the crash limit
    uint8_t state;        // enum chunk_state
    uint8_t kind;         // enum run_kind
    uint8_t level;        // of a reduce tree
    uint8_t refusals;     // workers that could not start it, but have started others of the step
    bool refused;         // a worker could not start it
    bool recalled;        // LEASED: its worker was asked to give it back, and has not answered
    bool unwanted;        // it was cancelled alone: it does not run again
    bool over_limit;      // LEASED: its result is too large, what comes of it is dropped
    struct ending ending; // once HELD
    int64_t ended;        // once HELD
    uint64_t worker_id;   // of the last lease; 0: no worker had it
    struct slice *parts;
    size_t n_parts;
    size_t result_bytes;
    struct slice *errors; // parts of standard error, before `stderr_text`
    size_t n_errors;
    size_t error_bytes;
    uint32_t *item_lens; // only when the next step counts items
    uint32_t n_items;
    bool has_nothing; // its result is not even an empty one: a piece of data without a record
    char *error;
    struct slice stderr_text;
};

// Chunks one after another. A step has one line, in order of number; a reduce step one per level.
TAILQ_HEAD(line, chunk);

struct queue {
    struct line chunks;
    uint64_t n;
};

// Buckets by the low bits of the number: live numbers are near each other, so a bucket holds one.
struct chunk_index {
    struct chunk **slots;
    size_t cap; // power of two
    size_t len;
};

// What chunks ask of a worker, and the steps that ask for it and have some to lease.
struct shape {
    TAILQ_ENTRY(shape) in_shapes;
    uint32_t refs; // steps
    struct resources claim;
    bool claims;
    int64_t time_ns;   // what a chunk needs; 0: not known
    struct heap steps; // core_step.want, by rank
};
TAILQ_HEAD(shapes, shape);

// One level of a reduce tree: what it has been given and not yet put into a chunk.
struct level {
    struct line line;
    struct buf inputs; // framed
    uint32_t n_inputs;
    uint64_t made; // chunks
    bool input_ended;
};

struct core_step {
    struct core_job *job;
    uint32_t number;
    const struct step *spec;
    struct chunk_index index;
    struct line line;
    struct queue pending;
    struct queue held;
    uint64_t fed; // chunks numbered so far
    uint64_t items;
    uint64_t waiting;
    uint64_t leased;
    uint64_t unstarted;   // chunks that failed because they could not be started
    bool started;         // one was
    uint64_t started_by;  // the worker that did so last; 0: none
    uint64_t passing;     // of `held`: good ones for the next step or level, not counted as ok yet
    uint64_t input_bytes; // payloads and inputs of chunks to come, in memory
    uint64_t held_bytes;  // results in memory
    bool input_ended;
    int64_t mean_run_ns;
    struct resources claim; // of one running chunk
    bool claims; // it takes more than a slot: never leased ahead, only where resources are free
    struct shape *shape;
    struct heap_node want;        // in shape->steps while chunks may be leased
    uint64_t ready;               // pending chunks as they are counted in core.ready
    int64_t wanting_since;        // or when a chunk was last leased
    bool is_kept_out;             // its next payload was too large for what a worker has room for
    struct core_worker *reserved; // kept free for its next chunk
    struct cutter cutter;         // LINES and BYTES rules of a later step
    struct buf inputs;            // ITEMS rule of a later step: framed
    uint64_t n_inputs;            // in `inputs`
    struct level *levels;         // reduce: CORE_LEVELS_MAX, of which n_levels are in use
    uint32_t n_levels;
};

static inline uint64_t step_live(const struct core_step *step)
{
    return step->pending.n + step->waiting + step->leased + step->held.n;
}

struct core_job {
    TAILQ_ENTRY(core_job) in_touched;
    bool is_touched;    // something has happened: it is looked at in this turn
    uint32_t blocks;    // bit by enum core_block: nothing of it starts
    uint32_t n_wanting; // steps
    uint64_t id;
    const struct plan *plan;
    struct core_step *steps;
    uint32_t n_steps;
    enum job_state state;
    enum job_fate fate;
    bool want_open;        // an ACT_WANT waits for its EV_FED
    uint64_t leased;       // of all steps
    uint64_t begun;        // of them
    uint64_t credit_items; // of the consumer, cumulative
    uint64_t credit_bytes;
    uint64_t delivered; // records
    uint64_t delivered_bytes;
    enum cancel_mode cancel; // strongest that was sent
    struct job_summary summary;
    UT_hash_handle hh;
};

// Its results are the job's; those of other steps and of reduce levels become inputs.
static inline bool step_gives_results(const struct core_step *step)
{
    return step->number + 1 == step->job->n_steps && !step->spec->is_reduce;
}

struct known_job {
    uint64_t job;
    uint32_t steps;   // bit per step that was sent
    uint32_t started; // bit per step of which the worker has started a chunk
    UT_hash_handle hh;
};

// A worker that could not start a chunk of a step. While `again` is in the core's heap it gets none
// of that step; afterwards one at a time, until one is started.
struct aside {
    LIST_ENTRY(aside) entry;
    struct core_worker *worker;
    const struct core_step *step;
    struct heap_node again;
    uint32_t times;
    bool trying;    // it has one
    uint64_t chunk; // that it could not start
    char text[PROTO_TEXT_MAX];
};

struct core_worker {
    uint64_t id;
    uint32_t slots;
    uint32_t window_items;
    uint64_t window_bytes;
    uint64_t leased_bytes;
    struct queue leased;     // oldest first
    uint64_t begun;          // of them
    uint64_t recalled;       // of them, not begun
    struct heap_node answer; // when the answer to a RECALL is due
    int64_t active;          // when it last began or ended a chunk, or got one while it had none
    struct resources total;
    struct resources claimed; // by leased chunks of steps that claim
    int64_t last_seen;
    struct heap_node silence;
    bool draining;
    int64_t ends;               // when its machine's time is up; 0: not known
    struct core_step *kept_for; // a step whose chunk fits nowhere else
    uint64_t seen_seq;
    uint64_t acked_seq;
    struct known_job *known; // uthash
    LIST_HEAD(, aside) asides;
    UT_hash_handle hh;
};

TAILQ_HEAD(touched_jobs, core_job);

struct core {
    struct core_options options;
    struct touched_jobs touched;
    struct shapes shapes;
    uint64_t ready;              // pending chunks of steps that want
    uint32_t wanting;            // jobs
    uint32_t n_prioritized;      // jobs whose priority is not the usual one
    int64_t reserve_at;          // when steps that wait for a place are looked at again
    uint64_t held_bytes;         // results that wait, of all jobs
    struct core_job *jobs;       // uthash; iterates in order of submission
    struct core_worker *workers; // uthash; iterates in order of arrival
    struct heap retries;         // chunk.retry
    struct heap silences;        // worker.silence
    struct heap asides;          // aside.again
    struct heap answers;         // worker.answer
    uint64_t begun, recalled;    // leased chunks, of all workers
    uint64_t recall_next;        // worker at which the next look for idle slots begins
    int64_t recall_at;           // when leases that wait at workers are looked at again
    struct chunk *free;          // structs to use again
    struct chunk_slab *slabs;
    uint64_t slots;   // of all workers
    uint64_t windows; // of all workers
    struct core_stats stats;
    int64_t now;
};

// chunk.c
// At the end of its line: the numbers of a step must grow. In no queue yet. NULL: no memory.
struct chunk *chunk_new(struct core *core, struct core_step *step, uint64_t number, uint8_t level);
// Takes the chunk out of every place and recycles the struct.
void chunk_free(struct core *core, struct chunk *chunk);
void chunk_slabs_free(struct core *core);
struct chunk *step_find(const struct core_step *step, uint64_t number);
void queue_init(struct queue *queue);
void queue_push(struct queue *queue, struct chunk *chunk);
// Into step.pending, before all with a higher number: what runs again comes first.
void chunk_make_pending(struct core *core, struct chunk *chunk);
// Out of the place that its state names. The caller puts it into another one.
void chunk_unqueue(struct core *core, struct chunk *chunk);
// The same for a leased chunk that its worker will not run: unless it has begun, its next lease has
// the attempt's number again.
void chunk_take_back(struct core *core, struct chunk *chunk);
// A leased chunk runs since then.
void chunk_begin(struct core *core, struct chunk *chunk, int64_t since);
// Whether a chunk has given a good result that is not counted yet: it waits for its next step.
static inline bool chunk_is_passing(const struct chunk *chunk)
{
    return chunk->ending.outcome == OUTCOME_OK && chunk->worker_id &&
           !step_gives_results(chunk->step);
}
// Marks it as over; its result is in it.
void chunk_hold(struct core *core, struct chunk *chunk);
void chunk_drop_result(struct chunk *chunk);

// job.c
int job_submit(struct core *core, uint64_t id, const struct plan *plan, uint32_t blocks);
struct core_job *job_find(const struct core *core, uint64_t id);
void job_free(struct core *core, struct core_job *job);
// Ends a job early: nothing new begins; `mode` decides about what runs.
void job_wind_down(struct core *core, struct core_job *job, enum job_fate fate,
                   enum cancel_mode mode, struct actions *actions);
// A chunk has succeeded, and nothing can undo that any more: counts it. A chunk that never ran does
// not count.
void job_count_success(struct core *core, const struct chunk *chunk);
// A chunk is over without success: counts it, and ends the job if that was one too many.
void job_count_failure(struct core *core, struct core_job *job, const struct chunk *chunk,
                       struct actions *actions);
// Ends the job if too many of its chunks have failed.
void job_check_failures(struct core *core, struct core_job *job, struct actions *actions);
// Ends the job if as many chunks have ended as the plan wants. Before job_settle(), like all that
// changes what may be leased.
void job_check_until(struct core *core, struct core_job *job, struct actions *actions);
// Keeps the first reason why the job ends, for people.
void job_say(struct core_job *job, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
// After a turn: if everything is over, emits ACT_JOB_END, frees the job and returns true.
bool job_try_end(struct core *core, struct core_job *job, struct actions *actions);

// feed.c
int job_fed(struct core *core, struct core_job *job, struct run *run);
void job_fed_end(struct core *core, struct core_job *job, int code, const char *text,
                 struct actions *actions);
// Drops the input that is not yet in a chunk.
void step_drop_inputs(struct core_step *step);
// How many bytes of the step's results may wait.
uint64_t step_held_max(const struct core *core, const struct core_step *step);
// Whether the step may take more input now.
bool step_has_room(const struct core *core, const struct core_step *step);
uint32_t step_window(const struct core *core);
// A result of the previous step becomes input. -ENOMEM, -EMSGSIZE.
int step_take_result(struct core *core, struct core_step *step, const struct chunk *result);
int step_end_input(struct core *core, struct core_step *step);
// Whether each result that a kernel emitted is an item.
bool step_wants_item_lens(const struct core_step *step);
// What a new chunk is made of.
struct chunk_input {
    struct slice payload;
    uint8_t kind;  // enum run_kind
    uint8_t level; // of a reduce tree
    uint64_t item_first;
    uint64_t items;
    uint64_t items_per_chunk; // of its run: the last chunk may have fewer
};
// A new pending chunk with the next number. Takes the payload over, also on failure.
int step_add_chunk(struct core *core, struct core_step *step, const struct chunk_input *input);
// The same for what the previous step has given: its items follow those of the last chunk.
int step_add_next(struct core *core, struct core_step *step, struct slice payload, uint8_t kind,
                  uint64_t items, uint8_t level);
// All its bytes in one piece; the caller drops the slice. -ENOMEM.
int chunk_result_bytes(const struct chunk *result, struct slice *ret);
// Whether nothing more can come from it.
bool step_is_over(const struct core_step *step);
void job_want(struct core *core, struct core_job *job, struct actions *actions);

// reduce.c
int reduce_take(struct core *core, struct core_step *step, uint32_t level,
                const struct chunk *result);
int reduce_end_input(struct core *core, struct core_step *step, uint32_t level);
// Moves finished chunks of each level up. The final result stays at the head of its line.
int reduce_advance(struct core *core, struct core_step *step, struct actions *actions);
void reduce_done(struct core_step *step);

// gather.c
// A good result that is too large to be an input becomes a failure.
int job_refuse_result(struct core *core, struct core_job *job, struct chunk *chunk,
                      struct actions *actions);
// Its result went into the next step or level, so nothing can undo its success: counts and frees
// it.
void chunk_become_input(struct core *core, struct chunk *chunk);
void job_gather(struct core *core, struct core_job *job, struct actions *actions);
// Gives its result or failure to the consumer if there is credit; false: not now.
bool job_deliver(struct core *core, struct core_job *job, struct chunk *chunk,
                 struct actions *actions);
// Delivers what a running chunk has emitted so far, if the job wants parts, it is the chunk's turn
// and the consumer is ready; otherwise that stays for later.
void job_deliver_part(struct core_job *job, struct chunk *chunk, struct actions *actions);

// explain.c
enum job_wait job_waits(const struct core *core, const struct core_job *job);

// result.c
int core_result(struct core *core, struct core_worker *worker, const struct event *event,
                struct actions *actions);
// The bytes of a part of a file that a worker could not read have arrived.
void job_fetched(struct core *core, struct core_job *job, const struct event *event,
                 struct actions *actions);
int core_return(struct core *core, struct core_worker *worker, uint64_t job,
                const struct msg_return *back, struct actions *actions);
int core_begun(struct core *core, struct core_worker *worker, const struct msg_begun *begun,
               struct actions *actions);
// Ends chunks of the first step. How many were not over.
uint64_t job_cancel_chunks(struct core *core, struct core_job *job, const struct chunk_range *range,
                           struct actions *actions);
// A leased chunk has lost its worker. If it may have run, it may be the cause.
void chunk_lost(struct core *core, struct chunk *chunk, bool may_have_run, const char *reason,
                struct actions *actions);

// actions.c
// A zeroed action of the type, or NULL when memory is out.
struct action *action_add(struct actions *actions, enum action_type type, uint64_t job,
                          uint64_t worker);
