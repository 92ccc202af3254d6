#include "worker/agent/resume.h"

#include <errno.h>

#include "base/log.h"

void resume_begin(struct agent *agent)
{
    if (agent->state != AGENT_WORKING)
        return;
    agent->returning = true;
    agent->state = AGENT_GREETING;
    pool_return_queued(agent->pool, 0, true, NULL, NULL);
    buf_clear(&agent->begun);
    buf_clear(&agent->returns);
    agent->credit_said = false;
    agent->said_items = 0;
}

void resume_give_up(struct agent *agent)
{
    pool_reset(agent->pool);
    arriving_forget(&agent->arriving, 0);
    outbox_done(&agent->outbox);
    outbox_init(&agent->outbox, 0);
    buf_clear(&agent->begun);
    agent->returning = false;
    agent->credit_said = false;
    agent->said_items = 0;
}

bool resume_welcomed(struct agent *agent, uint64_t epoch)
{
    if (agent->returning && agent->outbox.epoch == epoch)
        return true;
    if (agent->returning) {
        log_warn("the coordinator was restarted, and its jobs are gone: what runs is ended",
                 "running=%u", pool_running(agent->pool));
        resume_give_up(agent);
    }
    outbox_done(&agent->outbox);
    outbox_init(&agent->outbox, epoch);
    return false;
}

// A result of which the coordinator has a part can't be taken up again: it runs elsewhere.
static void keep(void *arg, const struct msg_return *run)
{
    struct agent *agent = arg;
    if (outbox_is_torn(&agent->outbox, run)) {
        pool_discard(agent->pool, run);
        return;
    }
    if (buf_add(&agent->returns, run, sizeof(*run)) < 0)
        agent_end(agent, WORKER_BROKEN, "out of memory");
}

int resume_say_kept(struct agent *agent)
{
    buf_clear(&agent->returns); // given back to the connection that is over
    int r = outbox_rewind(&agent->outbox);
    if (r == 0)
        r = outbox_held(&agent->outbox, keep, agent);
    pool_held(agent->pool, keep, agent);
    size_t n = agent->returns.len / sizeof(struct msg_return);
    log_info("back at the coordinator", "running=%u kept=%zu", pool_running(agent->pool), n);
    const struct msg_return *runs = (const struct msg_return *)(const void *)agent->returns.data;
    for (size_t at = 0; at < n && r == 0; at += PROTO_LEASE_RUNS_MAX) {
        size_t part = n - at < PROTO_LEASE_RUNS_MAX ? n - at : PROTO_LEASE_RUNS_MAX;
        r = agent_say_runs(agent, MSG_KEEP, runs + at, (uint32_t)part);
    }
    buf_clear(&agent->returns);
    return r;
}

void resume_say_rest(struct agent *agent)
{
    agent->returning = false;
    pool_tell_begun(agent->pool);
    arriving_ask_again(&agent->arriving);
}
