#include "worker/agent/agent.h"

#include <stdio.h>

#include "base/log.h"

void agent_end(struct agent *agent, int status, const char *why)
{
    bool is_fault = status == WORKER_BROKEN || (status && agent->options->lifeline_fd < 0);
    if (agent->state == AGENT_OVER)
        return;
    log_line(is_fault ? LOG_ERROR : LOG_INFO, "the worker leaves",
             "status=%d running=%u reason=\"%s\"", status, pool_running(agent->pool), why);
    // Its chunks run elsewhere at once, not only when it has been silent for a while.
    if (status == 0 && agent->state != AGENT_GREETING) {
        struct msg_bye bye = {0};
        snprintf(bye.reason, sizeof(bye.reason), "%s", why);
        agent_say(agent, MSG_BYE, &bye);
    }
    agent->state = AGENT_OVER;
    agent->status = status;
    event_flag_set(&agent->over);
}

static void send_header(struct agent *agent)
{
    int r = zsock_send(agent->socket, 0, agent->header.data, agent->header.len, NULL, 0);
    agent->last_sent = loop_now();
    if (r < 0)
        log_warn("a message was not sent", "code=%d", r);
}

int agent_say(struct agent *agent, enum msg_type type, const void *m)
{
    buf_clear(&agent->header);
    int r = msg_put(&agent->header, type, m);
    if (r == 0)
        send_header(agent);
    return r;
}

bool agent_say_begun(struct agent *agent)
{
    size_t n = agent->begun.len / sizeof(struct msg_begun);
    const struct msg_begun *list = (const struct msg_begun *)(const void *)agent->begun.data;
    for (size_t at = 0; at < n; at += PROTO_BEGUN_MAX) {
        size_t part = n - at < PROTO_BEGUN_MAX ? n - at : PROTO_BEGUN_MAX;
        buf_clear(&agent->header);
        if (begun_batch_put(&agent->header, list + at, (uint32_t)part) == 0)
            send_header(agent);
    }
    buf_clear(&agent->begun);
    return n > 0;
}

int agent_say_runs(struct agent *agent, enum msg_type type, const struct msg_return *runs,
                   uint32_t n)
{
    buf_clear(&agent->header);
    int r = kept_batch_put(&agent->header, type, runs, n);
    if (r == 0)
        send_header(agent);
    return r;
}

void agent_collect_return(void *arg, const struct msg_return *run)
{
    struct agent *agent = arg;
    if (buf_add(&agent->returns, run, sizeof(*run)) < 0)
        agent_end(agent, WORKER_BROKEN, "out of memory");
}

bool agent_say_returns(struct agent *agent)
{
    size_t n = agent->returns.len / sizeof(struct msg_return);
    const struct msg_return *runs = (const struct msg_return *)(const void *)agent->returns.data;
    for (size_t at = 0; at < n; at += PROTO_LEASE_RUNS_MAX) {
        size_t part = n - at < PROTO_LEASE_RUNS_MAX ? n - at : PROTO_LEASE_RUNS_MAX;
        buf_clear(&agent->header);
        if (return_batch_put(&agent->header, runs + at, (uint32_t)part) == 0)
            send_header(agent);
    }
    buf_clear(&agent->returns);
    return n > 0;
}

void agent_return(struct agent *agent, uint64_t job, bool all_jobs)
{
    pool_return_queued(agent->pool, job, all_jobs, agent_collect_return, agent);
    agent_say_returns(agent);
}

void agent_drain(struct agent *agent, const char *why)
{
    if (agent->state != AGENT_WORKING)
        return;
    log_info("the worker drains", "running=%u backlog=%u reason=\"%s\"", pool_running(agent->pool),
             pool_backlog(agent->pool), why);
    agent->state = AGENT_DRAINING;
    snprintf(agent->why, sizeof(agent->why), "drained: %s", why);
    agent_say(agent, MSG_DRAIN, &(struct msg_drain){0});
    agent_return(agent, 0, true);
}

bool agent_is_idle(const struct agent *agent)
{
    return pool_backlog(agent->pool) == 0 && pool_running(agent->pool) == 0 &&
           outbox_is_empty(&agent->outbox);
}
