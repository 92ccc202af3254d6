// What the files of the agent share. Nobody outside worker/ includes this.
#pragma once
#include <stdbool.h>

#include "async/loop.h"
#include "async/waitq.h"
#include "worker/agent/libraries.h"
#include "worker/agent/outbox.h"
#include "worker/agent/worker.h"
#include "worker/pool/pool.h"

#define AGENT_MESSAGES_PER_TURN 256
#define AGENT_AHEAD_NS (20 * 1000000ll)      // work that waits at the worker, per slot
#define AGENT_WINDOW_MAX 16384u              // chunks
#define AGENT_WINDOW_BYTES (64u << 20)       // payloads
#define AGENT_CREDIT_SHARE 4                 // tell a window that changed by a quarter
#define AGENT_PATIENCE_NS (2 * 1000000000ll) // with a coordinator that does not answer HELLO
#define AGENT_PATIENCE_MAX_NS (10 * 1000000000ll)

// GREETING: HELLO sent. WORKING: WELCOME came. DRAINING: starts nothing new, leaves when the last
// result is acknowledged. OVER: the main task ends everything. A worker that has no lifeline goes
// from WORKING back to GREETING when it has lost its coordinator, with nothing left of before.
enum agent_state { AGENT_GREETING, AGENT_WORKING, AGENT_DRAINING, AGENT_OVER };

struct agent {
    const struct worker_options *options;
    struct transport *transport;
    uint8_t session[PROTO_SESSION_BYTES];
    struct post anew;    // sockets are not closed from their own callbacks
    int64_t greeted_at;  // when HELLO was said
    int64_t alone_since; // when the coordinator was last there
    int64_t patience_ns; // until it is said again on a new connection
    uint32_t tries;      // connections since the last WELCOME
    uint32_t slots;
    enum agent_state state;
    int status; // of the process
    struct zsock *socket;
    struct zconnection connection; // that WELCOME came by
    struct pool *pool;
    struct libraries libraries;
    struct waiting_step *waiting; // for a kernel's library
    struct outbox outbox;
    struct batch_reader reader;
    struct buf scratch;
    struct buf returns;
    struct prepare flush;
    struct timer heartbeat;
    struct event_flag over;
    int64_t last_sent;
    int64_t last_heard;
    int64_t heartbeat_ns;
    int64_t silence_ns;
    uint64_t epoch;
    bool credit_told;
    uint32_t told_items;
};

// agent.c
void agent_end(struct agent *agent, int status);
// Sends agent->scratch as a header.
void agent_send(struct agent *agent);
void agent_drain(struct agent *agent);
// The coordinator is gone: ends what runs and greets it again, or ends a worker with a lifeline.
void agent_begin_anew(struct agent *agent, const char *why);

// steps.c
int agent_on_step(struct agent *agent, const struct zmessage *m, struct err *err);
int agent_on_library(struct agent *agent, const struct zmessage *m, struct err *err);
// 0: all jobs.
void agent_forget_steps(struct agent *agent, uint64_t job);

// receive.c
void agent_pump(void *arg);
