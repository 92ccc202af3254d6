// The messages between coordinator and worker as structs, and the codec of all messages.
// PROTOCOL.md is normative, messages.def is the list, table.c says how each struct is written.
//
// A message is a header frame (MessagePack, fixed schema) and, where it carries payloads, one body
// frame with all of them back to back. No sockets, no clock, no allocation while decoding: decoded
// structs borrow from the frames. The messages between coordinator and client are in client.h.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/digest.h"
#include "base/err.h"
#include "proto/lease.h"
#include "proto/limits.h"
#include "proto/msg_type.h"
#include "proto/resources.h"
#include "proto/result.h"

// Appends the header of a message to `header`, all or nothing. `m` is the struct that table.c names
// for the type. LEASE, RESULT, RETURN, FEED, RECORDS and INFO have functions of their own, which
// write their entries too. 0, -ENOBUFS, -ENOMEM.
int msg_put(struct buf *header, enum msg_type type, const void *m);
// Reads one into `ret`, which borrows from the header and is untouched on failure. 0, or -EPROTO
// with text that names the message.
int msg_get(const void *header, size_t len, enum msg_type type, void *ret, struct err *err);

// Both directions' first words: the versions a peer speaks, and which run of the program it is.
struct msg_hello {
    uint32_t version_min;
    uint32_t version_max;
    uint8_t session[PROTO_SESSION_BYTES]; // random, new at every start of the peer
    char software[PROTO_NAME_MAX];        // "fanmill 0.1.0", for people
};

struct msg_welcome {
    uint32_t version; // chosen
    uint64_t epoch;   // of the coordinator
    uint64_t worker;  // the id the coordinator gave this connection; it names the worker in logs
    int64_t heartbeat_ns;
    int64_t silence_ns;
    bool resumed; // the session was known: its leases were kept
};

struct msg_refuse {
    int32_t code; // negative errno: -EPROTONOSUPPORT, -EPROTO, -EACCES, ...
    char text[PROTO_TEXT_MAX];
};

struct msg_register {
    char name[PROTO_NAME_MAX]; // worker's name, for people
    char host[PROTO_NAME_MAX];
    uint32_t pid;
    uint32_t slots;
    struct resources resources; // what its running chunks may take together
    int64_t ends_in_ns;         // until it must be gone (its machine's time is up); 0: no end known
};

// Absolute, not a difference: the coordinator keeps what it has leased and has no result for below
// the window. A lost or repeated CREDIT can't make credit drift. window_items 0 pauses.
struct msg_credit {
    uint32_t window_items;
    uint64_t window_bytes; // payload bytes of leases the worker is ready to hold
};

// Defines a step before its first lease. `packed` is pipelines/plan.h's format, opaque here.
struct msg_step {
    uint64_t job;
    uint32_t step;
    const uint8_t *packed;
    size_t packed_len;
};

// The worker may forget the job: none of its chunks will be leased again.
struct msg_forget {
    uint64_t job;
};

// Results are numbered by the worker; a cumulative ACK frees its spool.
struct msg_ack {
    uint64_t seq; // every result entry up to this one is safe
};

struct msg_heartbeat {
    uint32_t running; // chunks on executors now
    uint32_t backlog; // leased chunks not yet begun
};

// How strongly a job is ended. A CANCEL is written with one less, a CLOSE with these numbers.
enum cancel_mode {
    CANCEL_NONE = 0,
    CANCEL_QUEUED = 1,  // give back what has not begun
    CANCEL_RUNNING = 2, // also TERM, 5 s later KILL, to what runs
    CANCEL_KILL = 3,    // also KILL to what runs, at once
};
struct msg_cancel {
    uint64_t job;
    enum cancel_mode mode; // not NONE
};

// Coordinator -> worker: begin nothing new, return what has not begun, finish the rest, then BYE.
// Worker -> coordinator: it is leaving in this way and takes no more leases.
struct msg_drain {
    uint32_t grace_ms;
};

struct msg_bye {
    char reason[PROTO_TEXT_MAX];
};

// A kernel's library that a worker does not have.
struct msg_need {
    uint8_t digest[DIGEST_BYTES];
};

// The file is the body.
struct msg_library {
    uint8_t digest[DIGEST_BYTES];
    int32_t code; // 0, or negative errno: no one has it
    char text[PROTO_TEXT_MAX];
};
