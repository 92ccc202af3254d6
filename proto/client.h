// The messages between coordinator and client as structs; PROTOCOL.md is normative. A client asks
// (SUBMIT, QUERY, CONTROL, each answered by ANSWER or INFO with the request's number), reads
// streams (OPEN, TAKE, CLOSE), and feeds the jobs whose source it reads itself (WANT, FEED).
#pragma once
#include "proto/message.h"

// Which messages a peer may send. A peer that came through the private socket may all.
enum right {
    RIGHT_WORK = 1,   // be a worker
    RIGHT_SUBMIT = 2, // submit jobs, rule one's own
    RIGHT_LOOK = 4,   // see jobs, records and workers
    RIGHT_RULE = 8,   // rule everybody's jobs, and workers
};
// Looks at the type alone, before anything is decoded. False for a type that no peer sends.
bool msg_may_send(int type, unsigned rights);

enum submit_flag {
    SUBMIT_DETACHED = 1, // goes on when the client is gone; its records are kept
    SUBMIT_FEEDS = 2,    // the client reads the source: WANT, FEED
    SUBMIT_PARTIAL = 4,  // parts of a result are records of their own, as they come
};
#define SUBMIT_FLAGS 7u

// The plan is the body: pipelines/plan.h's plan_pack, opaque here.
struct msg_submit {
    uint64_t request;
    uint8_t key[PROTO_SESSION_BYTES]; // made by the client: the same key gives the same job
    uint32_t flags;                   // enum submit_flag
    int64_t timeout_ns;               // of the whole job; 0: none
};

struct msg_answer {
    uint64_t request;
    int32_t code;   // 0 or negative errno
    uint64_t value; // SUBMIT: the job's id; CONTROL: how many it met
    char text[PROTO_TEXT_MAX];
};

// Subscribes to a job's records from an offset on. The client numbers its streams.
struct msg_open {
    uint64_t stream;
    uint64_t job;
    uint64_t from;
};

// Credit is absolute, as CREDIT's: records below `offset_end` and `bytes` result bytes since OPEN
// may be sent. Records below `taken` are not needed again.
struct msg_take {
    uint64_t stream;
    uint64_t taken;
    uint64_t offset_end;
    uint64_t bytes;
};

enum close_mode {
    CLOSE_LEAVE = 0,  // only the stream ends
    CLOSE_QUEUED = 1, // the job ends: what runs comes to its end
    CLOSE_TERM = 2,   // what runs gets TERM, 5 s later KILL
    CLOSE_KILL = 3,
};
// Answered by END when all that was asked is over.
struct msg_close {
    uint64_t stream;
    uint32_t mode; // enum close_mode
};

// A client's source should give so many chunks as one FEED with this number. Asked again with the
// same number after a reconnect, the client sends the same FEED again.
struct msg_want {
    uint64_t job;
    uint64_t seq;
    uint64_t chunks;
    uint64_t bytes;
    int64_t mean_run_ns;
    uint32_t slots;
};

struct msg_feed_end {
    uint64_t job;
    uint64_t seq;
    int32_t code; // 0: a clean end; else negative errno
    char text[PROTO_TEXT_MAX];
};

// A worker could not read this part of a file of the client's source: the client reads it.
struct msg_fetch {
    uint64_t job;
    uint64_t chunk;
    const uint8_t *extent; // pipelines/source/extent.h's format, opaque here
    size_t extent_len;
};
#define PROTO_EXTENT_MAX 8192u

// The bytes are the body.
struct msg_data {
    uint64_t job;
    uint64_t chunk;
    int32_t code; // 0, or negative errno
    char text[PROTO_TEXT_MAX];
};

// The file is the body.
struct msg_store {
    uint64_t request;
    uint8_t digest[DIGEST_BYTES];
};

enum query { QUERY_JOBS, QUERY_WORKERS, QUERY_EXPLAIN, QUERY_SERVICE, QUERY_COUNT };

struct msg_query {
    uint64_t request;
    uint32_t what;  // enum query
    uint64_t first; // job ids; 0..UINT64_MAX is all, 0..0 the last one
    uint64_t last;
};

enum verb {
    VERB_CANCEL,
    VERB_KILL,
    VERB_FORGET,
    VERB_RETRY,
    VERB_RETRY_FAILED,
    VERB_DRAIN,
    VERB_COUNT
};

struct msg_control {
    uint64_t request;
    uint32_t verb;  // enum verb
    uint64_t first; // job ids, as in QUERY
    uint64_t last;
    char name[PROTO_NAME_MAX]; // of a worker
};

enum job_phase { PHASE_RUNNING, PHASE_ENDING, PHASE_ENDED, PHASE_COUNT };
// Why a job ended; mirrors the core's enum job_end.
enum job_fate {
    FATE_COMPLETE,
    FATE_CANCELLED,
    FATE_FAILURES,
    FATE_NOT_RUNNABLE,
    FATE_SOURCE,
    FATE_INTERNAL,
    FATE_TIMEOUT,
    FATE_COUNT,
};

// A row about a job: of INFO, and of END.
struct job_info {
    uint64_t id;
    char name[PROTO_NAME_MAX];
    char owner[PROTO_NAME_MAX]; // name of the key that submitted it; "" local
    uint8_t phase;              // enum job_phase
    uint8_t fate;               // enum job_fate, once ended
    bool detached;
    bool failed_too;     // its raw results are also those of failed chunks
    uint64_t created_ms; // wall time since 1970
    int64_t age_ns;      // from submission to the end, or to now
    uint64_t total;      // chunks of the first step; UINT64_MAX: not known yet
    uint64_t chunks;     // of the first step, so far
    uint64_t ok;
    uint64_t failed;
    uint64_t cancelled;
    uint64_t unrun;
    uint64_t retries;
    uint64_t running;
    uint64_t records; // of its stream, so far
    int32_t first_code;
    char text[PROTO_TEXT_MAX]; // first failure, for people
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
    uint64_t leased;
    uint32_t running;
    uint32_t held;
    uint64_t done; // results so far
    bool draining;
    int64_t up_ns;     // since it came
    int64_t silent_ns; // since its last message
};

// A line of EXPLAIN or SERVICE: words for people, and a name and number for programs.
struct line_info {
    uint64_t job;
    char name[PROTO_NAME_MAX];
    uint64_t value;
    char text[PROTO_TEXT_MAX];
};

int msg_put_submit(struct buf *header, const struct msg_submit *m);
int msg_put_answer(struct buf *header, const struct msg_answer *m);
int msg_put_open(struct buf *header, const struct msg_open *m);
int msg_put_take(struct buf *header, const struct msg_take *m);
int msg_put_close(struct buf *header, const struct msg_close *m);
int msg_put_want(struct buf *header, const struct msg_want *m);
int msg_put_feed_end(struct buf *header, const struct msg_feed_end *m);
int msg_put_fetch(struct buf *header, const struct msg_fetch *m);
int msg_put_data(struct buf *header, const struct msg_data *m);
int msg_put_store(struct buf *header, const struct msg_store *m);
int msg_put_query(struct buf *header, const struct msg_query *m);
int msg_put_control(struct buf *header, const struct msg_control *m);
int msg_get_submit(const void *header, size_t len, struct msg_submit *ret, struct err *err);
int msg_get_answer(const void *header, size_t len, struct msg_answer *ret, struct err *err);
int msg_get_open(const void *header, size_t len, struct msg_open *ret, struct err *err);
int msg_get_take(const void *header, size_t len, struct msg_take *ret, struct err *err);
int msg_get_close(const void *header, size_t len, struct msg_close *ret, struct err *err);
int msg_get_want(const void *header, size_t len, struct msg_want *ret, struct err *err);
int msg_get_feed_end(const void *header, size_t len, struct msg_feed_end *ret, struct err *err);
int msg_get_fetch(const void *header, size_t len, struct msg_fetch *ret, struct err *err);
int msg_get_data(const void *header, size_t len, struct msg_data *ret, struct err *err);
int msg_get_store(const void *header, size_t len, struct msg_store *ret, struct err *err);
int msg_get_query(const void *header, size_t len, struct msg_query *ret, struct err *err);
int msg_get_control(const void *header, size_t len, struct msg_control *ret, struct err *err);

int msg_put_end(struct buf *header, uint64_t stream, int32_t code, const struct job_info *job);
int msg_get_end(const void *header, size_t len, uint64_t *ret_stream, int32_t *ret_code,
                struct job_info *ret, struct err *err);

// FEED: one run of chunks, the entry of a LEASE with step 0 and attempt 1.
int msg_put_feed(struct buf *header, struct buf *body, uint64_t seq, const struct lease *run);
// *ret borrows from the frames and from `r`, which the caller initialised.
int msg_get_feed(struct batch_reader *r, const void *header, size_t len, const void *body,
                 size_t body_len, uint64_t *ret_seq, struct lease *ret, struct err *err);

// INFO: begin, rows of the kind that `what` names, end. `more`: another INFO follows.
int info_begin(struct batch_writer *w, struct buf *header, uint64_t request, enum query what,
               bool more);
int info_add(struct batch_writer *w, enum query what, const void *row);
int info_end(struct batch_writer *w);
struct info_reader {
    struct pack_reader header;
    uint64_t request;
    enum query what;
    bool more;
    uint32_t left;
};
int info_open(struct info_reader *r, const void *header, size_t len, struct err *err);
// 1 with a row, 0 at the clean end, -EPROTO. `row` has the size of the kind's struct.
int info_next(struct info_reader *r, void *row, struct err *err);
