// The messages between coordinator and client as structs; PROTOCOL.md is normative. A client asks
// (SUBMIT, QUERY, CONTROL, each answered by ANSWER or INFO with the request's number), reads
// streams (OPEN, TAKE, CLOSE), and feeds the jobs whose source it reads itself (WANT, FEED).
#pragma once
#include "proto/info.h"
#include "proto/message.h"
#include "proto/rights.h"

enum submit_flag {
    SUBMIT_DETACHED = 1, // goes on without the client; its records are kept
    SUBMIT_FEEDS = 2,    // the client reads the source: WANT, FEED
    SUBMIT_PARTIAL = 4,  // parts of a result are records themselves, as they arrive
    SUBMIT_HELD = 8,     // nothing of it starts before it is released
};
#define SUBMIT_FLAGS 15u

// A job that must have ended before another one starts.
struct job_need {
    uint64_t job;
    bool any; // however it ended; false: it must have ended well
};

// The plan is the body: pipelines/plan.h's plan_pack, opaque here.
struct msg_submit {
    uint64_t request;
    uint8_t key[PROTO_SESSION_BYTES]; // made by the client: the same key gives the same job
    uint32_t flags;                   // enum submit_flag
    int64_t timeout_ns;               // of the whole job; 0: none
    struct job_need needs[PROTO_NEEDS_MAX];
    uint32_t n_needs;
};

struct msg_answer {
    uint64_t request;
    int32_t code;   // 0 or negative errno
    uint64_t value; // SUBMIT: the job's id; CONTROL: how many it applied to
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

// Answered by END when everything asked for is over.
struct msg_close {
    uint64_t stream;
    enum cancel_mode mode; // of the job; NONE: only the stream ends
};

// Asks a client's source for at most `chunks` and `bytes`, to be sent as one FEED with this number.
// Asked again with the same number after a reconnect, the client sends the same FEED again.
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

// A worker could not read this part of a file: the client, whose source named it, reads it.
struct msg_fetch {
    uint64_t job;
    uint64_t chunk;
    const uint8_t *extent; // pipelines/source/extent.h's format, opaque here
    size_t extent_len;
};

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

struct msg_query {
    uint64_t request;
    uint32_t what;  // enum query
    uint64_t first; // job ids; 0..UINT64_MAX is all, 0..0 the last one
    uint64_t last;
    // Of job rows only:
    char user[PROTO_NAME_MAX]; // who submitted them; "": anybody
    uint32_t phases;           // bit by enum job_phase; 0: all
    int64_t age_ns;            // submitted at most that long ago; 0: at any time
    uint32_t limit;            // the newest so many; 0: all
};

enum verb {
    VERB_CANCEL,
    VERB_KILL,
    VERB_FORGET,
    VERB_RETRY,
    VERB_RETRY_FAILED,
    VERB_DRAIN,
    VERB_HOLD,
    VERB_RELEASE,
    VERB_COUNT
};

struct chunk_range {
    uint64_t first;
    uint64_t last;
};

struct msg_control {
    uint64_t request;
    uint32_t verb;  // enum verb
    uint64_t first; // job ids, as in QUERY
    uint64_t last;
    // Of a worker, for DRAIN; else whose jobs of several are meant: "" one's own if they are all
    // jobs,
    // "*" everybody's.
    char name[PROTO_NAME_MAX];
    // CANCEL, KILL and RETRY: only these chunks of the first step; none: the whole job.
    struct chunk_range chunks[PROTO_RANGES_MAX];
    uint32_t n_chunks;
};

// A process that reads the source or writes the sink of a job says how far it is.
enum attend_what {
    ATTEND_SOURCE, // it is open
    ATTEND_SINK,   // it is open
    ATTEND_WHOLE,  // the sink is whole, or put away because the job did not finish
    ATTEND_COUNT
};
#define ATTEND_SKIP 1 // code of ATTEND_SINK: what is there stays, nothing need run
struct msg_attend {
    uint64_t request;
    uint64_t job;
    uint32_t what;  // enum attend_what
    int32_t code;   // 0, ATTEND_SKIP, or negative errno
    uint64_t total; // ATTEND_SOURCE: chunks in all; UINT64_MAX: not known
    char text[PROTO_TEXT_MAX];
};

// A stream has no more records.
struct msg_end {
    uint64_t stream;
    int32_t code; // 0 or negative errno
    struct job_info job;
};
