// Every size and count that a peer could choose has its limit here; PROTOCOL.md has the same table.
#pragma once

#define PROTO_VERSION_MIN 1u
#define PROTO_VERSION_MAX 1u

#define PROTO_HEADER_MAX (4u << 20)    // bytes of the header frame
#define PROTO_BODY_MAX (256u << 20)    // bytes of the body frame; a chunk's payload must fit
#define PROTO_MESSAGE_MAX (257u << 20) // ZMQ_MAXMSGSIZE: the larger of the two, with room
#define PROTO_RUN_KINDS 4u             // kinds of a lease entry, from 0
#define PROTO_NAME_MAX 64u             // names of peers, jobs, labels
#define PROTO_TEXT_MAX 512u            // text for a person
#define PROTO_SESSION_BYTES 16u
#define PROTO_LEASE_RUNS_MAX 4096u  // runs in one LEASE
#define PROTO_RUN_CHUNKS_MAX 65536u // chunks in one run of a LEASE
#define PROTO_RESULTS_MAX 16384u    // entries in one RESULT
#define PROTO_BEGUN_MAX 4096u       // entries in one BEGUN
#define PROTO_ITEMS_MAX 65536u      // results that one chunk's kernel may emit
#define PROTO_STDERR_TAIL_MAX (64u << 10)
#define PROTO_STDERR_MAX (1ull << 30)
#define PROTO_STEP_MAX (3u << 20)        // a packed step
#define PROTO_RESULT_PART_MAX (4u << 20) // bytes of one part of a result
#define PROTO_RESULT_MAX (1ull << 30)    // bytes of one result, all parts
#define PROTO_SLOTS_MAX 65536u
#define PROTO_WINDOW_MAX (1u << 20)       // chunks a worker may hold
#define PROTO_PLAN_MAX (16u << 20)        // a packed plan
#define PROTO_RECORDS_MAX 16384u          // entries in one RECORDS
#define PROTO_RECORD_PART_MAX (16u << 20) // result bytes of one entry; a larger record is several
#define PROTO_ITEM_MAX (1u << 20)         // bytes of a record's item; a longer one is cut
#define PROTO_NEEDS_MAX 64u               // jobs that a job needs
#define PROTO_RANGES_MAX 64u              // ranges of chunks in a CONTROL
#define PROTO_INFO_ROWS_MAX 1024u         // rows in one INFO
#define PROTO_EXTENT_MAX 8192u            // bytes that name a part of a file
#define PROTO_LIBRARY_MAX (64u << 20)     // a kernel's file
#define PROTO_LIST_MAX 256u               // bytes of a list in words, with its end

#define PROTO_HEARTBEAT_NS (1 * 1000000000ll) // of silence before a HEARTBEAT
#define PROTO_SILENCE_NS (5 * 1000000000ll)   // of silence before a peer is lost
