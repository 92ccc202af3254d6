// INFO: rows about jobs, workers and the service, as a QUERY asks for them.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/pack.h"
#include "proto/batch.h"
#include "proto/limits.h"

enum query {
    QUERY_JOBS,
    QUERY_WORKERS,
    QUERY_EXPLAIN,
    QUERY_SERVICE,
    QUERY_RUNNING, // chunks of jobs that run
    QUERY_COUNT
};

// What a job waits for as a whole: nothing of it runs.
enum job_wait {
    WAIT_NONE,     // something of it runs, or it has ended
    WAIT_WORKER,   // no worker is there that could run it
    WAIT_SLOT,     // those that could run it are busy
    WAIT_RELEASE,  // it is held
    WAIT_NEEDS,    // jobs that it needs have not ended
    WAIT_SOURCE,   // it has given nothing new
    WAIT_CONSUMER, // its results are not read
    WAIT_RETRY,    // the delay before the next attempt
    WAIT_COUNT
};

enum job_phase { PHASE_RUNNING, PHASE_ENDING, PHASE_ENDED, PHASE_COUNT };
// A row about a job: of INFO, and of END.
struct job_info {
    uint64_t id;
    char name[PROTO_NAME_MAX];
    char owner[PROTO_NAME_MAX]; // name of the key that submitted it; "" local
    uint8_t phase;              // enum job_phase
    uint8_t fate;               // enum job_fate (ending.h), once ended
    bool detached;
    bool failed_too;     // its raw results are also those of failed chunks
    uint64_t created_ms; // wall time since 1970
    int64_t age_ns;      // from submission to the end, or to now
    int32_t priority;    // higher ones first
    uint8_t waits;       // enum job_wait
    bool held;
    char needs[PROTO_LIST_MAX]; // jobs that it needs and that have not ended, in words: "3 any:5"
    uint64_t total;             // chunks of all steps; UINT64_MAX: unknown yet
    // Chunks of all steps that are known so far. They are waiting + leased + running + ok + failed
    // + cancelled + unrun: each is in exactly one of these.
    uint64_t chunks;
    uint64_t waiting;
    uint64_t leased;  // at a worker, and not seen running there
    uint64_t running; // a chunk that takes less than 20 ms is not seen
    uint64_t ok;
    uint64_t failed;
    uint64_t cancelled;
    uint64_t unrun;
    uint64_t retries; // attempts that ended badly and were followed by another
    uint64_t records; // of its stream, so far
    int32_t first_code;
    char text[PROTO_TEXT_MAX]; // first failure, for people
    char sink[PROTO_TEXT_MAX]; // where the coordinator writes the results: a path, a folder's with
                               // a slash at its end; "" it does not
};

struct worker_info {
    uint64_t id;
    char name[PROTO_NAME_MAX];
    char host[PROTO_NAME_MAX];
    char user[PROTO_NAME_MAX]; // name of its key; "" local
    char software[PROTO_NAME_MAX];
    uint32_t pid;
    uint32_t slots;
    uint64_t memory_bytes;
    char resources[PROTO_LIST_MAX]; // in words: "cpus=8 gpus=2 ssd=1"
    uint64_t leased;                // chunks that it has and that are not seen running
    uint64_t running;               // a chunk that takes less than 20 ms is not seen
    uint64_t done;                  // results so far
    bool draining;
    int64_t up_ns;     // since it connected
    int64_t silent_ns; // since its last message
    int64_t idle_ns;   // it has chunks, and for so long has begun and ended none; 0: that is not so
    int64_t ends_in_ns; // until its machine's time is up; 0: no end known
};

// A chunk that runs.
struct running_info {
    uint64_t job;
    uint32_t step;
    uint64_t chunk;
    uint32_t attempt;
    uint64_t worker;
    char name[PROTO_NAME_MAX]; // of the worker
    int64_t age_ns;            // since it began
    uint64_t item_first;       // number of its first item, from 0
    uint64_t items;            // 0: unknown, it is data
    char text[PROTO_TEXT_MAX]; // what it runs: its item, if that is one; else the step's command
};

// A line of EXPLAIN or SERVICE: words for people, and a name and number for programs.
struct line_info {
    uint64_t job;
    char name[PROTO_NAME_MAX];
    uint64_t value;
    char text[PROTO_TEXT_MAX];
};

// Begin, rows of the kind that `what` names, end. `more`: another INFO follows.
int info_begin(struct batch_writer *w, struct buf *header, uint64_t request, enum query what);
int info_add(struct batch_writer *w, enum query what, const void *row);
int info_end(struct batch_writer *w, bool more);
struct info_reader {
    struct batch_reader batch; // needs no batch_reader_done: rows have no lens
    uint64_t request;
    enum query what;
    bool more;
};
int info_open(struct info_reader *r, const void *header, size_t len, struct err *err);
// 1 with a row, 0 at the clean end, -EPROTO. `row` has the size of the kind's struct.
int info_next(struct info_reader *r, void *row, struct err *err);
