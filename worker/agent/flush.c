#include "worker/agent/flush.h"

#include "base/container.h"

#define AHEAD_NS (20 * 1000000ll) // work that waits at the worker, per slot
#define WINDOW_MAX 16384u         // chunks
#define WINDOW_BYTES (64u << 20)  // payloads
#define CREDIT_SHARE 4            // a window that changed by a quarter is sent

static uint32_t window_now(const struct agent *agent)
{
    int64_t mean = pool_mean_run_ns(agent->pool);
    uint64_t per_slot = 2;
    if (agent->state != AGENT_WORKING || outbox_is_full(&agent->outbox))
        return 0;
    if (mean > 0 && AHEAD_NS / mean > 2)
        per_slot = (uint64_t)(AHEAD_NS / mean);
    uint64_t window = per_slot * agent->slots;
    uint32_t max = agent->slots * 2 > WINDOW_MAX ? agent->slots * 2 : WINDOW_MAX;
    return window < max ? (uint32_t)window : max;
}

static bool send_credit(struct agent *agent)
{
    uint32_t window = window_now(agent);
    uint32_t said = agent->said_items;
    uint32_t change = window > said ? window - said : said - window;
    bool is_new = !agent->credit_said || (window == 0) != (said == 0) ||
                  (change > 0 && change >= said / CREDIT_SHARE);
    const struct msg_credit credit = {.window_items = window, .window_bytes = WINDOW_BYTES};
    if (!is_new || agent_say(agent, MSG_CREDIT, &credit) < 0)
        return false;
    agent->credit_said = true;
    agent->said_items = window;
    return true;
}

// Before the loop sleeps. After a send the loop stays awake, so that the socket looks at its events
// again.
static bool on_flush(struct prepare *prepare)
{
    struct agent *agent = container_of(prepare, struct agent, flush);
    if (agent->state == AGENT_GREETING || agent->state == AGENT_OVER)
        return false;
    // What begins and ends in one turn is said in this order.
    bool said = agent_say_begun(agent) | agent_say_returns(agent);
    int sent = outbox_send(&agent->outbox, agent->socket);
    if (sent < 0) {
        agent_end(agent, WORKER_LOST, "results can't be sent");
        return false;
    }
    if (sent > 0)
        agent->last_sent = loop_now();
    said |= send_credit(agent);
    bool is_idle = agent_is_idle(agent);
    if (!is_idle)
        agent->busy_at = loop_now();
    else if (agent->state == AGENT_DRAINING)
        agent_end(agent, 0, agent->why);
    return sent > 0 || said;
}

void flush_begin(struct agent *agent)
{
    prepare_add(&agent->flush, on_flush);
}

void flush_end(struct agent *agent)
{
    prepare_remove(&agent->flush);
}
