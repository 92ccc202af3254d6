// The simulator: a core, workers, a source, consumers and links in virtual time. One seed is one
// run, the same run every time. No descriptor, no clock, no real process.
//
// Every stage is the identity: a chunk's result is its input. So whatever is chunked, cut again or
// reduced, the stream of a job must be the lines "0\n" "1\n" ... once each, in order when the order
// is the input's. What a permanently failed chunk held is subtracted.
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/heap.h"
#include "coordinator/core/core.h"

#define SIM_JOBS_MAX 3
#define SIM_WORKERS_MAX 6
#define SIM_EPOCH 77
#define SIM_FAULTS_END (20 * INT64_C(1000000000)) // from then on nothing goes wrong any more
#define SIM_TIME_MAX (4000 * INT64_C(1000000000)) // by then everything must be over
#define SIM_WORKER_BYTES (1u << 20)

struct rng {
    uint64_t state;
};
uint64_t rng_next(struct rng *rng);
// 0 .. n-1
uint64_t rng_below(struct rng *rng, uint64_t n);
bool rng_percent(struct rng *rng, unsigned percent);

// What was leased for a chunk of a step, to know what a failure takes out of the stream.
struct content {
    bool known;
    uint32_t tries; // leases of it, but for those that came back without having begun
    struct buf bytes;
};

struct sim_job {
    uint64_t id;
    struct plan plan;
    struct step steps[5];
    struct stage stage;
    uint64_t n_items;
    int feed_kind; // enum run_kind
    uint64_t fed;
    uint64_t per_chunk;
    bool feeding; // an ACT_WANT is being answered
    bool fed_end;
    bool source_breaks;
    bool may_fail; // poisoned items, low limits: some chunks fail for good
    unsigned poison_percent;
    unsigned fail_percent;
    unsigned crash_percent;
    bool emits_items;
    bool cancelled;
    bool is_blocked; // nothing of it may start
    int64_t blocked_at;
    bool ended;
    struct job_summary summary;
    struct content *contents[5]; // by step, then chunk
    uint64_t n_contents[5];
    uint64_t offset; // next expected
    uint64_t credit_items;
    uint64_t credit_bytes;
    uint64_t taken;
    bool fast;          // the consumer
    struct buf stream;  // all good records
    struct buf missing; // content of failed ones
    uint64_t failed_seen;
};

struct sim_chunk {
    struct sim_chunk *next;
    uint64_t job;
    uint32_t step;
    uint32_t attempt;
    uint64_t number;
    struct buf bytes;
};

struct sim_worker {
    uint64_t id; // 0: not there
    uint32_t slots;
    uint32_t window;
    uint32_t window_max;  // announced at any time
    uint32_t outstanding; // leased, without a final result that was sent
    uint32_t running;
    struct sim_chunk *queue, *queue_last;
    struct sim_chunk *run[8];
    int64_t began[8];
    uint64_t next_seq;
    int64_t in_at, out_at; // links keep the order: time of the latest message
    bool cut;              // its messages don't arrive: a partition
    bool draining;
    uint64_t refusals;
    uint64_t lacks;               // bit per job: what it needs is not on this worker
    uint64_t known[SIM_JOBS_MAX]; // steps that were defined, bit per step
};

struct world {
    struct rng rng;
    int64_t now;
    struct heap events;
    struct core *core;
    struct actions actions;
    struct sim_job jobs[SIM_JOBS_MAX];
    unsigned n_jobs;
    struct sim_worker workers[SIM_WORKERS_MAX];
    uint64_t next_worker;
    // The first worker stays and has all that jobs need; others may lack it.
    bool steady;
    uint64_t recalls;    // chunks asked for in this turn, but for those that were held or cancelled
    uint64_t dead_slots; // of workers whose death the core does not know yet
    bool is_roomy;       // no limit of bytes keeps chunks from running
    int64_t idles_since; // a slot idles that could run what waits at another worker; 0: none
    bool verbose;
    struct event_file *record; // --record; NULL
    uint64_t seed;
    uint64_t steps;
};

// Tells what is wrong and how to see it again; ends the program.
_Noreturn void sim_fail(struct world *w, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void sim_log(struct world *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

// Calls fn at a time. `a`, `b`, `data` are passed on; data is freed after the call.
typedef void sim_fn(struct world *w, uint64_t a, uint64_t b, void *data);
void sim_at(struct world *w, int64_t when, sim_fn *fn, uint64_t a, uint64_t b, void *data);
// Hands an event to the core and checks it.
int sim_event(struct world *w, const struct event *event);

// jobs.c
void jobs_make(struct world *w);
void jobs_free(struct world *w);
struct sim_job *job_of(struct world *w, uint64_t id);
void shell_want(struct world *w, const struct action *action);
void shell_deliver(struct world *w, const struct action *action);
void shell_job_end(struct world *w, const struct action *action);
// A chunk is leased: with the content that it had before, and no attempt is counted that can't have
// begun.
void job_remember(struct world *w, struct sim_job *job, uint32_t step,
                  const struct sim_chunk *chunk);
// The core knows that a chunk came back without having begun.
void job_returned(struct sim_job *job, const struct msg_return *back);
bool job_is_poisoned(const struct sim_job *job, const struct buf *bytes);
// The stream against the truth.
void jobs_check(struct world *w);

// workers.c
void workers_begin(struct world *w);
void workers_free(struct world *w);
void worker_receive(struct world *w, const struct action *action);
// No slot idles for long while another worker holds what it could run; and no more is asked for
// than idle slots could take.
void workers_check(struct world *w);
void worker_dropped(struct world *w, uint64_t id);
