// The shell's state: what the files of coordinator/ share. Nobody outside of coordinator/ includes
// this. Each file is one verb; docs/internals/service.md draws their floors.
//
// All of it lives in one loop and is touched by its tasks alone. A message only changes state; what
// it leads to is sent at the end of the turn. Sending never suspends and never frees anything: a
// peer that can't be reached is marked as gone, and buried at the end of the turn (parting.h).
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "async/group.h"
#include "async/loop.h"
#include "base/buf.h"
#include "coordinator/core/core.h"
#include "coordinator/peer.h"
#include "coordinator/server.h"
#include "coordinator/stream.h"

#define SERVER_PORTS_MAX 2

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
    struct actions actions; // that are not carried out yet
    bool must_flush;        // events since the last EV_FLUSH, or something to send or to bury
    int64_t wall_ns;        // the wall's clock less the loop's, in this turn
    struct prepare flush;
    struct timer tick;
    int64_t tick_at; // deadline the timer is set to
    struct timer heartbeat;

    // Peers: peer.h. Everyone is in both tables, those that are gone, too.
    struct port ports[SERVER_PORTS_MAX];
    uint32_t n_ports;
    struct gate *gate; // NULL: private
    uint64_t next_id;
    struct peer *by_place;
    struct peer *by_id;
    struct buf saying;        // peer_say()'s own
    struct parting *partings; // connections to cut: parting.h
    size_t n_partings;
    struct batch_reader reader; // of the message that is being handled

    // Clients, jobs and their streams: client.h, server_job.h, stream.h.
    struct client *clients;
    uint64_t next_job;
    struct server_job *jobs;   // by id, in order of submission
    struct server_job *by_key; // the same ones
    struct group feeders;
    struct stream_list dirty; // streams that may have something to send
    struct stream_list later; // those that had their share of this turn
    struct buf header;        // of the RECORDS being written: readers.h
    struct buf body;

    // Bytes that are kept for others: spool.h, libraries.h.
    struct spool *spool; // NULL: results wait in memory only
    bool spool_is_full;  // it was said
    struct stored_library *libraries;
    size_t library_bytes;
};
