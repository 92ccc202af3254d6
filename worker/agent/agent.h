// The agent's state, and what all its files do with it. Calls go one way: worker -> connect ->
// receive -> arriving -> agent, and worker -> flush -> agent.
#pragma once
#include <stdbool.h>

#include "async/loop.h"
#include "async/waitq.h"
#include "worker/agent/arriving.h"
#include "worker/agent/outbox.h"
#include "worker/agent/worker.h"
#include "worker/pool/pool.h"

// GREETING: HELLO sent. WORKING: WELCOME came. DRAINING: starts nothing new, leaves when the last
// result is acknowledged. OVER: the main task ends everything. A worker that has no lifeline goes
// from WORKING or DRAINING back to GREETING when it has lost its coordinator: `returning` says that
// what it ran then still runs (resume.h).
enum agent_state { AGENT_GREETING, AGENT_WORKING, AGENT_DRAINING, AGENT_OVER };

struct agent {
    const struct worker_options *options;
    uint32_t slots;
    enum agent_state state;
    int status;               // of the process
    char why[PROTO_TEXT_MAX]; // DRAINING: why it leaves
    struct event_flag over;
    struct pool *pool;
    struct arriving arriving;
    struct outbox outbox;
    struct batch_reader reader;
    struct buf header; // of the message that is being sent
    struct buf returns;
    struct buf begun; // of struct msg_begun: what goes out with the next flush
    struct prepare flush;
    // the connection (connect.h)
    struct transport *transport;
    struct zsock *socket;
    struct monitor *monitor;       // of a connection with keys; NULL
    bool told_handshake;           // that it fails was logged
    struct zconnection connection; // that WELCOME came by
    uint8_t session[PROTO_SESSION_BYTES];
    struct post reopen;  // sockets are not closed from their own callbacks
    bool returning;      // GREETING: to a coordinator that it was at before
    bool told_silence;   // the coordinator's silence was logged
    int64_t greeted_at;  // when HELLO was sent
    int64_t alone_since; // when the coordinator was last heard
    int64_t patience_ns; // until HELLO is sent again on a new connection
    uint32_t tries;      // connections since the last WELCOME
    struct timer heartbeat;
    int64_t last_sent;
    int64_t last_heard;
    int64_t heartbeat_ns;
    int64_t silence_ns;
    bool told_ready;
    bool registered; // the coordinator has accepted this worker
    // leaving.h
    struct timer limit;
    struct timer idle;
    int64_t ends_at; // CLOCK_FOREVER: no end is known
    int64_t busy_at; // when it last had something to do
    // credit (flush.h)
    bool credit_said;
    uint32_t said_items;
};

// The main task ends everything; the process exits with this status. `why` is logged: an error
// unless the status is 0, or the worker has a lifeline and its coordinator is gone.
void agent_end(struct agent *agent, int status, const char *why);
// Sends a message without entries: `m` is the struct of its type (proto/message.h). What can't be
// sent is logged: a lost connection is noticed by its silence. -ENOMEM.
int agent_say(struct agent *agent, enum msg_type type, const void *m);
// Sends runs of chunks as KEEP, at most PROTO_LEASE_RUNS_MAX. -ENOMEM.
struct msg_return;
int agent_say_runs(struct agent *agent, enum msg_type type, const struct msg_return *runs,
                   uint32_t n);
// Gives leased chunks back that no executor has: those of a job, or all of them.
void agent_return(struct agent *agent, uint64_t job, bool all_jobs);
// Says which chunks have begun since it was called last. Whether anything was sent.
bool agent_say_begun(struct agent *agent);
// A callback of the pool: chunks that go back with the next agent_say_returns(). `arg`: the agent.
void agent_collect_return(void *arg, const struct msg_return *run);
// Gives them back. Whether anything was sent.
bool agent_say_returns(struct agent *agent);
// Begins to leave: nothing new is started. `why` is logged.
void agent_drain(struct agent *agent, const char *why);
bool agent_is_idle(const struct agent *agent);
