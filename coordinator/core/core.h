// The core: jobs, steps, chunks, workers, leases, attempts and result streams as one pure state
// machine. Events go in with the time at which they happened, actions come out. It uses no
// descriptor, clock, thread, random number or hash order: the same events give the same actions.
//
//     submit, fed chunks, worker messages, stream credit, cancel, clock  -->  core_handle()
//     core_handle()  -->  steps and leases to workers, wants to feeders, deliveries, job ends
//
// A shell (coordinator/) carries both; tests and the simulator are shells, too.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"
#include "pipelines/plan.h"
#include "pipelines/run.h"
#include "proto/client.h"
#include "proto/message.h"

struct core;

struct core_options {
    uint64_t epoch;        // of this coordinator; fences what older ones leased
    uint32_t window_items; // chunks of one step between source and consumer; 0: from the slots
    uint64_t window_bytes; // payload bytes of one step in memory; 0: 64 MiB
    // Results of one job that may wait for an earlier one; those that wait only for the consumer
    // are bounded by window_bytes, too. 0: window_bytes for each step.
    uint64_t held_bytes;
    int64_t silence_ns; // after which a silent worker is lost; 0: PROTO_SILENCE_NS
};

int core_new(const struct core_options *options, struct core **ret);
// Accepts NULL. Returns NULL. Drops every slice it still holds.
struct core *core_free(struct core *core);

// Why nothing of a job starts, as bits.
enum core_block {
    BLOCK_HELD = 1,  // until it is released
    BLOCK_NEEDS = 2, // jobs that it needs have not ended
};

enum event_type {
    EV_SUBMIT,        // a job with a checked plan
    EV_FED,           // a run of chunks from the feeder, as wanted
    EV_FED_END,       // the source has ended or failed
    EV_WORKER_UP,     // a worker registered
    EV_WORKER_CREDIT, // its window, absolute
    EV_RESULT,        // one entry of a RESULT
    EV_RETURN,        // chunks given back unstarted
    EV_BEGUN,         // a chunk runs at its worker
    EV_WORKER_ALIVE,  // it sent any message
    EV_WORKER_DRAIN,  // it is leaving: nothing new
    EV_WORKER_DOWN,   // its connection or process has ended
    EV_WORKER_BACK,   // the same, but its process lives and registers again in this turn
    EV_KEEP,          // what it still has, after that: one run of chunks
    EV_STREAM_CREDIT, // the consumer is ready for more, cumulative
    EV_CANCEL,        // end a job early
    EV_CANCEL_CHUNKS, // chunks of the first step end as cancelled, which counts as failed
    EV_BLOCK,         // whether anything of a job may start; what waits at workers comes back
    EV_NEED_FAILED,   // a job that it needs did not end well: it fails, and runs nothing
    EV_FETCHED,       // the bytes of a part of a file, or why they could not be read
    EV_HOLD,          // less room for waiting results than core_options said
    EV_TICK,          // time passed; due timers fire
    EV_FLUSH,         // no more events for now: schedule and send
    EV_COUNT,
};

struct event {
    enum event_type type;
    uint64_t job;
    uint64_t worker;
    union {
        struct {                     // SUBMIT
            const struct plan *plan; // borrowed until the job's ACT_JOB_END was carried out
            uint32_t blocks;         // of enum core_block
        };
        struct {
            struct chunk_range range;
            uint64_t *ret_n;   // how many were not over; may be NULL
        } cancel_chunks;       // CANCEL_CHUNKS
        uint32_t set_blocks;   // BLOCK: all that hold from now on
        const char *need_text; // NEED_FAILED: why, for people; borrowed for the call
        struct run *run;       // FED: moved; the core empties it
        struct {
            int code;         // 0: a clean end; else negative errno
            const char *text; // why, for people; borrowed for the call
        } fed_end;
        const struct msg_register *reg; // WORKER_UP; borrowed for the call
        struct msg_credit credit;       // WORKER_CREDIT
        struct {
            const struct result *result; // borrowed for the call
            struct slice body; // the entry's bytes; borrowed: the core counts its own reference
            bool spooled;      // `body` lies where results may wait: it is never copied
            uint64_t epoch;
            uint64_t seq;
        } result;
        struct msg_return back; // RETURN, KEEP
        struct msg_begun begun; // BEGUN
        const char *reason;     // WORKER_DOWN
        struct {
            uint64_t
                items; // records the consumer has room for, counted from the stream's beginning
            uint64_t bytes; // likewise
        } stream_credit;
        enum cancel_mode cancel; // CANCEL
        uint64_t held_bytes;     // HOLD: from now on, as core_options.held_bytes
        struct {
            uint64_t chunk;      // of the first step
            int code;            // 0, or negative errno
            const char *text;    // why, for people; borrowed for the call
            struct slice *bytes; // moved
        } fetched;
    };
};

enum action_type {
    ACT_STEP,    // send STEP(job, step) to a worker
    ACT_LEASE,   // add a lease to the worker's next LEASE message
    ACT_RECALL,  // add to the worker's next RECALL message, which follows its LEASE
    ACT_ACK,     // results up to seq are safe
    ACT_CANCEL,  // send CANCEL(job, mode)
    ACT_FORGET,  // send FORGET(job)
    ACT_ASIDE,   // for the log: the worker gets no chunks of a step for a while
    ACT_DISCARD, // send DISCARD: the worker need not go on with what it kept
    ACT_DROP,    // the worker is to be disconnected, with the reason
    ACT_WANT,    // pull the job's source
    ACT_FETCH,   // read a part of a file that a worker could not read; answered by EV_FETCHED
    ACT_DELIVER, // the next record of the job's stream
    ACT_JOB_END, // the job is over; its summary. The last action of a job
};

// Ready for the consumer, in the job's order, with dense offsets. The shell takes it over from
// ACT_DELIVER (delivery_done).
struct delivery {
    uint64_t offset;
    uint32_t step; // a failure may be of any step; results are of the last
    uint64_t chunk;
    uint32_t attempt;
    struct ending ending;
    int64_t ended; // when its outcome arrived; 0: it is a part
    uint64_t worker;
    char *error;         // malloc'd or NULL
    uint64_t item_first; // number of the chunk's first item, from 0
    uint64_t items;      // of the chunk; 0: unknown, it is data
    struct slice item;   // the chunk's payload when it is one raw item, else empty
    bool partial;        // a part that a running chunk emitted
    // Of a failed chunk of the first step, as the source gave it, so that it can be run again.
    uint8_t kind; // enum run_kind
    uint64_t items_per_chunk;
    struct slice payload;
    struct slice stderr_text;
    struct slice *parts; // malloc'd, n_parts
    size_t n_parts;
    struct slice *errors; // malloc'd, n_errors: of standard error, before `stderr_text`
    size_t n_errors;
    size_t bytes; // of all parts
};
void delivery_done(struct delivery *d);

enum job_state { JOB_RUNNING, JOB_FINISHING, JOB_STOPPING, JOB_ENDED };
struct job_summary {
    enum job_fate fate;
    uint64_t chunks; // of the first step, known so far
    uint64_t ok;     // chunks of all steps
    uint64_t failed;
    uint64_t cancelled;
    uint64_t unrun;
    uint64_t retries;
    uint64_t duplicates;       // results dropped because the chunk was done
    uint64_t fenced;           // results dropped because of their (epoch, attempt)
    char text[PROTO_TEXT_MAX]; // first failure or the source's error, for people
    int first_code;            // outcome code of the first failed chunk (exit status), 0
};

struct action_aside {
    uint32_t step;
    int64_t wait_ns;           // then it is tried again
    char text[PROTO_TEXT_MAX]; // why a chunk could not be started, for people
};

struct action {
    enum action_type type;
    uint64_t job;
    uint64_t worker;
    union {
        uint32_t step; // STEP
        struct {
            struct lease lease; // lens and body point into the slices below
            struct slice body;  // owned by the action
            uint32_t *lens;     // owned by the action
        } lease;
        struct msg_return recall;   // RECALL
        uint64_t seq;               // ACK
        enum cancel_mode mode;      // CANCEL
        struct msg_return discard;  // DISCARD
        const char *reason;         // DROP: static text
        struct action_aside *aside; // ASIDE; owned, malloc'd
        struct {
            uint64_t chunks;
            uint64_t bytes;
            int64_t mean_run_ns;
            uint32_t slots;
        } want;
        struct {
            uint64_t chunk;      // of the first step
            struct slice extent; // owned by the action
        } fetch;
        struct delivery delivery;    // DELIVER: taken by the shell or freed by actions_clear
        struct job_summary *summary; // JOB_END; owned, malloc'd
    };
};

struct actions {
    struct action *list;
    size_t len;
    size_t cap;
};
// Releases what the actions own and forgets them; keeps the array.
void actions_clear(struct actions *actions);
void actions_done(struct actions *actions);

// Takes one event and appends what is to be done. Cheap events only change state; leases, wants and
// deliveries are made at EV_FLUSH, so that one message carries everything that is ready.
// Returns 0, -EINVAL for an event that names an unknown job or worker (nothing has happened; peers
// can cause it, so the shell counts it and goes on), or -ENOMEM (the job concerned has been ended).
int core_handle(struct core *core, const struct event *event, int64_t now, struct actions *actions);

// When to send the next EV_TICK; CLOCK_FOREVER when nothing waits for time.
int64_t core_next_deadline(const struct core *core);

// Verifies every invariant; prints a broken one on stderr and aborts. For tests: O(everything).
void core_check(const struct core *core);

// Bytes of results that wait, of all jobs.
uint64_t core_held_bytes(const struct core *core);

struct core_stats {
    uint64_t jobs, workers, slots;
    uint64_t pending, leased, held; // chunks now
    uint64_t held_bytes;            // payloads and results in memory
    uint64_t done, failed, retries, duplicates, fenced;
};
void core_stats(const struct core *core, struct core_stats *ret);
// Why chunks of a job do not run now: `fn` gets one or more lines of words for each step. -ENOENT.
typedef void core_reason_fn(void *arg, uint32_t step, const char *text);
int core_explain(const struct core *core, uint64_t job, core_reason_fn *fn, void *arg);
// Whether a step of the job needs what none of the connected workers has; what, in words.
bool core_job_hopeless(const struct core *core, uint64_t job, char *ret, size_t size);
struct core_worker_state {
    uint64_t leased;  // chunks that it has and that are not known to run
    uint64_t running; // that are
    int64_t idle_ns;  // it has chunks, and for so long has begun and ended none; 0: not so
};
// -ENOENT.
int core_worker_state(const struct core *core, uint64_t worker, int64_t now,
                      struct core_worker_state *ret);

// Where a job stands. Every chunk known so far, of any step, is in one of the counts: waiting,
// leased, running, and the summary's ok, failed, cancelled and unrun.
struct core_progress {
    struct job_summary summary; // `ok` with results that wait for the next step
    uint64_t waiting;
    uint64_t leased;  // at workers, not known to run
    uint64_t running; // known to run
    enum job_wait waits;
};
// -ENOENT.
int core_job_progress(const struct core *core, uint64_t job, struct core_progress *ret);

struct core_running {
    uint64_t chunk;
    uint32_t step;
    uint32_t attempt;
    uint64_t worker;
    int64_t began;
    uint64_t item_first;
    uint64_t items;    // 0: unknown, it is data
    struct slice item; // the payload when it is one raw item, else empty; borrowed for the call
};
typedef void core_running_fn(void *arg, const struct core_running *chunk);
// The job's chunks that run, by worker. -ENOENT.
int core_job_running(const struct core *core, uint64_t job, core_running_fn *fn, void *arg);
