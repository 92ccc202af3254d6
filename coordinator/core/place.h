// Where chunks run: what steps ask for, what workers have, and how a chunk gets to one and back.
// Private to coordinator/core/.
#pragma once
#include "coordinator/core/state.h"

// lack.c
#define CORE_LACK_MAX 320u // bytes of the words
// Workers that could run a chunk of the step, now or ever; what the one that lacks least lacks.
uint32_t step_lack(const struct core *core, const struct core_step *step, bool now, char *ret,
                   size_t size);

// claim.c
void step_set_claim(struct core_step *step);

// wants.c
// Something has happened to the job: it is gathered, settled, and its end and its source are looked
// at in this turn.
static inline void job_touch(struct core *core, struct core_job *job)
{
    if (job->is_touched)
        return;
    job->is_touched = true;
    TAILQ_INSERT_TAIL(&core->touched, job, in_touched);
}
void job_untouch(struct core *core, struct core_job *job);
void core_touch_all(struct core *core);
int step_take_shape(struct core *core, struct core_step *step); // -ENOMEM
void step_drop_shape(struct core *core, struct core_step *step);
// Whether a step, each step of a job, has chunks to lease now.
void step_settle(struct core *core, struct core_step *step);
void job_settle(struct core *core, struct core_job *job);
// The step that is to get a worker first, of all or of those that fit this one; NULL: none.
struct core_step *core_first_want(const struct core *core);
struct core_step *worker_first_want(const struct core *core, const struct core_worker *worker);
// Out of the way for a moment, and back.
void step_set_aside(struct core_step *step);
void step_put_back(struct core_step *step);
// Keeps a worker free for what has waited long and fits nowhere as long as small chunks fill them.
void core_reserve(struct core *core);
void step_unreserve(struct core_step *step);

// lease.c
bool step_can_lease(const struct core *core, const struct core_step *step);
// Whether the worker is there long enough for a chunk.
bool worker_lasts(const struct core *core, const struct core_worker *worker,
                  const struct core_step *step);
bool worker_can_take(const struct core *core, const struct core_worker *worker,
                     const struct core_step *step);
// Whether the worker could run the chunk now, besides what it has.
bool worker_could_take(const struct core *core, const struct core_worker *worker,
                       const struct chunk *chunk);
void core_schedule(struct core *core, struct actions *actions);
// Leases a pending chunk to the worker, in its next attempt.
void lease_put(struct core *core, struct core_worker *worker, struct chunk *chunk);

// keep.c
// A worker that came back names what it still runs, or has results of.
int core_keep(struct core *core, struct core_worker *worker, uint64_t job,
              const struct msg_return *kept, struct actions *actions);

// recall.c
// Asks for leases that have not begun, for slots that idle elsewhere. After core_schedule().
void core_recall(struct core *core, struct actions *actions);
// Asks for all of a job's.
bool chunk_recall(struct core *core, struct chunk *chunk, struct actions *actions);
void job_recall(struct core *core, struct core_job *job, struct actions *actions);
// What became of a chunk that was asked for is known.
void chunk_answered(struct core *core, struct chunk *chunk);
void worker_answer_due(struct core *core, struct core_worker *worker, struct actions *actions);

// worker.c
int worker_up(struct core *core, uint64_t id, const struct msg_register *reg);
struct core_worker *worker_find(const struct core *core, uint64_t id);
void worker_credit(struct core *core, struct core_worker *worker, const struct msg_credit *credit);
void worker_down(struct core *core, struct core_worker *worker, const char *reason,
                 struct actions *actions);
// Its process lives and comes back as another worker: nothing crashed.
void worker_back(struct core *core, struct core_worker *worker, struct actions *actions);
void worker_free(struct core *core, struct core_worker *worker);
void worker_silence_due(struct core *core, struct core_worker *worker, struct actions *actions);
// True when the worker must be sent STEP first; remembers that it is.
bool worker_learn_step(struct core_worker *worker, uint64_t job, uint32_t step, int *ret_error);
void worker_forget_job(struct core_worker *worker, uint64_t job);
// Whether it has started a chunk of the step; notes it.
bool worker_has_started(const struct core_worker *worker, uint64_t job, uint32_t step);
void worker_note_start(struct core_worker *worker, uint64_t job, uint32_t step);
bool worker_knows_job(const struct core_worker *worker, uint64_t job);

// aside.c
// Whether the worker may be given chunks of the step now; of at most how many of `max`.
bool worker_may_start(const struct core_worker *worker, const struct core_step *step);
uint32_t aside_limit(const struct core_worker *worker, const struct core_step *step, uint32_t max);
// A chunk of the step was leased to the worker, or is its own no more.
void aside_leased(struct core_worker *worker, const struct core_step *step, bool leased);
// The worker could not start the chunk, which is in no queue. True: another one will try, at no
// attempt's cost. False: none is left, so it has failed.
bool chunk_try_elsewhere(struct core *core, struct chunk *chunk, struct core_worker *worker,
                         struct actions *actions);
// The worker has started a chunk of the step, however that ended.
void step_was_started(struct core *core, struct core_step *step, struct core_worker *worker);
// Several chunks could not be started and none ever was: no more are leased until those that are
// out have come back.
bool step_is_doubted(const struct core_step *step);
// After a leased chunk came back: ends the job of a step that can't be started.
void step_judge(struct core *core, struct core_step *step, struct actions *actions);
void asides_tick(struct core *core);
// Forgets what is known of the job's steps. NULL: of all.
void asides_forget(struct core *core, struct core_worker *worker, const struct core_job *job);
