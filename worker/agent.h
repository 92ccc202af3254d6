// What the files of the agent share. Nobody outside worker/ includes this.
#pragma once
#include <stdbool.h>

#include "async/loop.h"
#include "async/waitq.h"
#include "worker/outbox.h"
#include "worker/pool.h"
#include "worker/worker.h"

#define AGENT_MESSAGES_PER_TURN 256
#define AGENT_AHEAD_NS (20 * 1000000ll) // work that waits at the worker, per slot
#define AGENT_WINDOW_MAX 16384u         // chunks
#define AGENT_WINDOW_BYTES (64u << 20)  // payloads
#define AGENT_CREDIT_SHARE 4            // tell a window that changed by a quarter

// GREETING: HELLO sent. WORKING: WELCOME came. DRAINING: starts nothing new, leaves when the last
// result is acknowledged. OVER: the main task ends everything.
enum agent_state { AGENT_GREETING, AGENT_WORKING, AGENT_DRAINING, AGENT_OVER };

struct agent {
    const struct worker_options *options;
    uint32_t slots;
    enum agent_state state;
    int status; // of the process
    struct zsock *socket;
    struct pool *pool;
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

// receive.c
void agent_pump(void *arg);
