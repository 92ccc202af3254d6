#include "worker/agent/leaving.h"

#include "base/clock.h"
#include "base/container.h"

static int64_t drains_at(const struct agent *agent)
{
    int64_t lead = agent->options->time_limit_ns / LEAVING_SHARE;
    return agent->ends_at - (lead < LEAVING_LEAD_NS ? lead : LEAVING_LEAD_NS);
}

static void on_limit(struct timer *timer)
{
    struct agent *agent = container_of(timer, struct agent, limit);
    if (agent->state == AGENT_GREETING || loop_now() >= agent->ends_at) {
        agent_end(agent, 0, "its time is over (--time-limit)");
        return;
    }
    agent_drain(agent, "its time is nearly over (--time-limit)");
    timer_set(&agent->limit, agent->ends_at, on_limit);
}

static void on_idle(struct timer *timer)
{
    struct agent *agent = container_of(timer, struct agent, idle);
    int64_t due = clock_after(agent->busy_at, agent->options->idle_exit_ns);
    if (agent->state != AGENT_GREETING && !agent_is_idle(agent))
        due = clock_after(loop_now(), agent->options->idle_exit_ns);
    if (due > loop_now()) {
        timer_set(&agent->idle, due, on_idle);
        return;
    }
    const char *why = "it has had nothing to do (--idle-exit)";
    if (agent->state == AGENT_GREETING)
        agent_end(agent, 0, why);
    else
        agent_drain(agent, why);
}

void leaving_begin(struct agent *agent)
{
    const struct worker_options *o = agent->options;
    agent->busy_at = loop_now();
    agent->ends_at = o->time_limit_ns ? clock_after(loop_now(), o->time_limit_ns) : CLOCK_FOREVER;
    if (o->time_limit_ns)
        timer_set(&agent->limit, drains_at(agent), on_limit);
    if (o->idle_exit_ns)
        timer_set(&agent->idle, clock_after(loop_now(), o->idle_exit_ns), on_idle);
}

void leaving_end(struct agent *agent)
{
    timer_cancel(&agent->limit);
    timer_cancel(&agent->idle);
}

int64_t leaving_in(const struct agent *agent)
{
    if (!agent->options->time_limit_ns)
        return 0;
    int64_t left = agent->ends_at - loop_now();
    return left > 1 ? left : 1;
}
