// What the files of the server share. Nobody outside coordinator/ includes this.
#pragma once
#include <stdbool.h>
#include <uthash.h>

#include "async/group.h"
#include "async/loop.h"
#include "coordinator/server.h"
#include "transport/zsock.h"

#define SERVER_MESSAGES_PER_TURN 256 // then other work of the loop has its turn
#define SERVER_STREAM_ITEMS 16384u   // records between core and consumer
#define SERVER_STREAM_BYTES (32ull << 20)
#define SERVER_LEASE_BODY (4u << 20) // a LEASE is sent when its payloads are so large

enum peer_state { PEER_NEW, PEER_WELCOMED, PEER_WORKING };

// A connection of a worker.
struct peer {
    uint32_t address; // of the ROUTER
    uint64_t worker;  // id in the core; new for each HELLO
    enum peer_state state;
    uint32_t pid;
    char name[PROTO_NAME_MAX];
    int64_t last_sent;
    bool gone;         // dropped: freed when nobody iterates any more
    struct buf header; // of the LEASE being written
    struct buf body;
    struct batch_writer leases;
    bool leases_open;
    UT_hash_handle by_address;
    UT_hash_handle by_worker;
};

struct server_job {
    struct server *server;
    uint64_t id;
    const struct plan *plan;
    struct source_reader *source;
    struct delivery **ring; // SERVER_STREAM_ITEMS of them, allocated as needed
    size_t ring_cap;
    size_t ring_first;
    size_t ring_len;
    uint64_t taken; // by the consumer
    uint64_t taken_bytes;
    uint64_t granted; // items of credit given to the core
    uint64_t granted_bytes;
    struct waitq consumer;
    struct waitq feeder;
    bool wanted;
    struct source_want want;
    bool discard; // nobody reads: records are dropped
    bool ended;
    bool feeding; // the feeder's task lives
    struct task *feeder_task;
    bool lost_memory; // a record had no room; the job ends as broken
    struct job_summary summary;
    UT_hash_handle hh;
};

struct server {
    struct core *core;
    struct zsock *socket;
    struct server_options options;
    uint64_t epoch;
    uint64_t next_worker;
    uint64_t next_job;
    struct peer *by_address;
    struct peer *by_worker;
    struct server_job *jobs;
    struct actions actions;
    struct batch_reader reader;
    struct buf scratch;
    struct prepare flush;
    struct timer tick;
    int64_t tick_at; // deadline the timer is set to
    struct timer heartbeat;
    bool dirty; // events since the last EV_FLUSH
    struct group feeders;
    uint64_t bad_messages;
};

// server.c
// Hands one event to the core and marks the turn as one with something to flush.
int server_event(struct server *server, const struct event *event);

// inbox.c
void server_pump(void *arg);
void server_drop_peer(struct server *server, struct peer *peer, const char *reason);

// outbox.c
// Carries out all actions and sends what was made. True when something was sent.
bool server_perform(struct server *server);
struct peer *peer_of_worker(const struct server *server, uint64_t worker);
// Sends `server->scratch` as a header; forgets the peer when it is gone.
void peer_send(struct server *server, struct peer *peer);
void peer_free(struct server *server, struct peer *peer);

// feeder.c
int feeder_start(struct server_job *job);
// Ends the task and waits for it.
void feeder_stop(struct server_job *job);

// job.c
void server_job_deliver(struct server_job *job, struct delivery *delivery);
void server_job_ended(struct server_job *job, const struct job_summary *summary);
struct server_job *server_job_find(const struct server *server, uint64_t id);
