// The state that the files of coordinator/ share; not for other rooms. docs/internals/service.md
// shows the files and their floors.
//
// All of it belongs to one loop and is used only by its tasks. A message only changes state; what
// follows from it is sent at the end of the turn. Sending never suspends and never frees anything:
// a peer that can't be reached is marked as gone and buried at the end of the turn (parting.h).
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "async/loop.h"
#include "base/buf.h"
#include "coordinator/attending.h"
#include "coordinator/core/core.h"
#include "coordinator/keeper.h"
#include "coordinator/peer.h"
#include "coordinator/questions.h"
#include "coordinator/server.h"
#include "coordinator/stream.h"

#define SERVER_PORTS_MAX 2

struct event_file;
struct gate;
struct parting;
struct spool;
struct stored_library;

struct server {
    struct server_options options;
    uint64_t epoch;
    struct server_counts counts;

    // The turn: turn.h.
    struct core *core;
    struct event_file *events; // records what the core is given; NULL: nothing does
    struct actions actions;    // not carried out yet
    bool must_check_hope;      // a worker has come
    bool must_flush;           // new events, or something to send or to bury
    int64_t wall_ns;           // the wall's clock less the loop's, in this turn
    struct prepare flush;
    struct timer tick;
    struct loop_meter meter;
    int64_t meter_logged; // when a long turn was logged last
    int64_t tick_at;      // deadline the timer is set to
    struct timer heartbeat;

    // Peers: peer.h. Both tables hold all, even those that are gone.
    struct port ports[SERVER_PORTS_MAX];
    uint32_t n_ports;
    struct gate *gate; // NULL: private
    uint64_t next_id;
    struct peer *by_place;
    struct peer *by_id;
    struct peer_list gone;    // to be buried
    struct peer_list leasing; // have a LEASE that is being written
    struct buf saying;        // peer_say()'s own
    struct parting *partings; // connections to cut: parting.h
    size_t n_partings;
    struct batch_reader reader; // of the message being handled

    // Clients, jobs and their streams: client.h, server_job.h, stream.h.
    struct client *clients;
    struct asking_list asking; // clients whose questions can be worked on
    uint64_t next_job;
    struct server_job *jobs;           // by id, in order of submission
    struct server_job *by_key;         // the same ones
    struct attending *attended;        // by session
    struct attending_queue unattended; // oldest first
    struct attending_queue settled;    // their jobs end with this turn
    struct keeper keeper;
    struct job_queue closing; // have ended: their records go to the file
    struct job_queue dying;   // in no table any more, being freed
    struct records_room room;
    bool room_is_full;       // a job's records can't be written
    uint64_t untaken;        // bytes of all streams that were sent and not taken
    struct dirty_list dirty; // may have something to send
    struct buf header;       // of the RECORDS or INFO being written: readers.h, rows.c
    struct buf body;
    struct batch_writer rows; // of the INFO

    // Kept bytes: spool.h, libraries.h.
    struct spool *spool; // NULL: results wait in memory only
    uint64_t held;       // bytes of results that wait, counted once a turn; what comes is added
    bool held_is_known;  // in this turn
    bool spool_is_full;  // it was reported
    struct stored_library *libraries;
    size_t library_bytes;
    unsigned library_searches; // of all jobs, in this turn
};
