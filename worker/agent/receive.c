// Messages of the coordinator become calls of the pool.
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "base/log.h"
#include "worker/agent/agent.h"
#include "worker/pool/intake.h"

static int on_welcome(struct agent *agent, const struct zmessage *m, struct err *err)
{
    struct msg_welcome welcome;
    struct msg_register reg = {.pid = (uint32_t)getpid(), .slots = agent->slots};
    int r = msg_get(m->header, m->header_len, MSG_WELCOME, &welcome, err);
    if (r < 0)
        return r;
    if (welcome.version < PROTO_VERSION_MIN || welcome.version > PROTO_VERSION_MAX)
        return err_set(err, -EPROTONOSUPPORT, "the coordinator chose version %u", welcome.version);
    agent->epoch = welcome.epoch;
    zmessage_connection(m, &agent->connection);
    agent->heartbeat_ns = welcome.heartbeat_ns;
    agent->silence_ns = welcome.silence_ns;
    outbox_init(&agent->outbox, welcome.epoch);
    if (gethostname(reg.host, sizeof(reg.host) - 1) < 0)
        snprintf(reg.host, sizeof(reg.host), "localhost");
    snprintf(reg.name, sizeof(reg.name), "%s",
             agent->options->name ? agent->options->name : reg.host);
    long pages = sysconf(_SC_PHYS_PAGES);
    long page = sysconf(_SC_PAGESIZE);
    if (agent->options->resources)
        reg.resources = *agent->options->resources;
    reg.resources.cpus = 1000ull * agent->slots;
    if (pages > 0 && page > 0)
        reg.resources.memory_bytes = (uint64_t)pages * (uint64_t)page;
    buf_clear(&agent->scratch);
    r = msg_put(&agent->scratch, MSG_REGISTER, &reg);
    if (r < 0)
        return err_set(err, r, "can't write REGISTER");
    agent->state = AGENT_WORKING;
    agent->tries = 0;
    agent->patience_ns = 0;
    log_info("registered with the coordinator", "name=%s slots=%u", reg.name, reg.slots);
    agent_send(agent);
    return 0;
}

static int on_lease(struct agent *agent, const struct zmessage *m, struct err *err)
{
    struct lease lease;
    int r = lease_batch_open(&agent->reader, m->header, m->header_len,
                             m->body ? m->body->data : NULL, m->body ? m->body->len : 0, err);
    while (r >= 0 && (r = lease_batch_next(&agent->reader, &lease, err)) == 1) {
        int added = pool_add(agent->pool, &lease);
        if (added < 0)
            return err_sys(err, added, "a lease of job %llu, step %u can't be taken",
                           (unsigned long long)lease.job, lease.step);
    }
    return r;
}

static void collect_return(void *arg, const struct msg_return *run)
{
    struct agent *agent = arg;
    if (buf_add(&agent->returns, run, sizeof(*run)) < 0)
        agent_end(agent, WORKER_BROKEN);
}

static void send_returns(struct agent *agent)
{
    size_t n = agent->returns.len / sizeof(struct msg_return);
    const struct msg_return *runs = (const struct msg_return *)(const void *)agent->returns.data;
    for (size_t at = 0; at < n; at += PROTO_LEASE_RUNS_MAX) {
        size_t part = n - at < PROTO_LEASE_RUNS_MAX ? n - at : PROTO_LEASE_RUNS_MAX;
        buf_clear(&agent->scratch);
        if (return_batch_put(&agent->scratch, runs + at, (uint32_t)part) == 0)
            agent_send(agent);
    }
    buf_clear(&agent->returns);
}

static int on_cancel(struct agent *agent, const struct zmessage *m, struct err *err)
{
    struct msg_cancel cancel;
    int r = msg_get(m->header, m->header_len, MSG_CANCEL, &cancel, err);
    if (r < 0)
        return r;
    pool_return_queued(agent->pool, cancel.job, false, collect_return, agent);
    send_returns(agent);
    if (cancel.mode != CANCEL_QUEUED)
        pool_cancel(agent->pool, cancel.job, cancel.mode == CANCEL_KILL);
    return 0;
}

void agent_drain(struct agent *agent)
{
    if (agent->state != AGENT_WORKING)
        return;
    agent->state = AGENT_DRAINING;
    buf_clear(&agent->scratch);
    if (msg_put(&agent->scratch, MSG_DRAIN, &(struct msg_drain){0}) == 0)
        agent_send(agent);
    pool_return_queued(agent->pool, 0, true, collect_return, agent);
    send_returns(agent);
}

static int on_refuse(struct agent *agent, const struct zmessage *m, struct err *err)
{
    struct msg_refuse refuse;
    int r = msg_get(m->header, m->header_len, MSG_REFUSE, &refuse, err);
    if (r < 0)
        return r;
    if (refuse.code == -ENOTCONN) {
        if (agent->state != AGENT_GREETING)
            agent_begin_anew(agent, "it does not know this worker");
        return 0;
    }
    log_error("the coordinator refused this worker", "reason=\"%s\"", refuse.text);
    agent_end(agent, WORKER_LOST);
    return 0;
}

static int dispatch(struct agent *agent, const struct zmessage *m, struct err *err)
{
    int type = msg_type_of(m->header, m->header_len);
    int r;
    if (type == MSG_REFUSE)
        return on_refuse(agent, m, err);
    if (agent->state == AGENT_GREETING)
        return type == MSG_WELCOME ? on_welcome(agent, m, err)
                                   : err_set(err, -EPROTO, "expected WELCOME");
    switch (type) {
    case MSG_STEP:
        return agent_on_step(agent, m, err);
    case MSG_LIBRARY:
        return agent_on_library(agent, m, err);
    case MSG_LEASE:
        return on_lease(agent, m, err);
    case MSG_ACK: {
        struct msg_ack ack;
        r = msg_get(m->header, m->header_len, MSG_ACK, &ack, err);
        if (r == 0)
            outbox_ack(&agent->outbox, ack.seq);
        return r;
    }
    case MSG_CANCEL:
        return on_cancel(agent, m, err);
    case MSG_FORGET: {
        struct msg_forget forget;
        r = msg_get(m->header, m->header_len, MSG_FORGET, &forget, err);
        if (r == 0) {
            pool_forget(agent->pool, forget.job);
            agent_forget_steps(agent, forget.job);
        }
        return r;
    }
    case MSG_HEARTBEAT:
        return 0;
    case MSG_DRAIN:
        agent_drain(agent);
        return 0;
    case MSG_BYE:
        if (agent->options->lifeline_fd >= 0)
            agent_end(agent, 0);
        else
            agent_begin_anew(agent, "it has ended");
        return 0;
    default:
        return err_set(err, -EPROTO, "unexpected message %s", msg_name(type));
    }
}

void agent_pump(void *arg)
{
    struct agent *agent = arg;
    for (int i = 0; i < AGENT_MESSAGES_PER_TURN && agent->state != AGENT_OVER; i++) {
        struct zmessage m = {0};
        struct err err = {0};
        int r = zsock_recv(agent->socket, &m);
        if (r == -EBADMSG)
            r = err_set(&err, -EPROTO, "a message has too many frames");
        else if (r <= 0)
            return;
        else
            r = dispatch(agent, &m, &err);
        zmessage_done(&m);
        agent->last_heard = loop_now();
        if (r >= 0)
            continue;
        struct msg_bye bye = {0};
        log_error("bad message from the coordinator", "reason=\"%s\"", err.text);
        snprintf(bye.reason, sizeof(bye.reason), "%s", err.text);
        buf_clear(&agent->scratch);
        if (msg_put(&agent->scratch, MSG_BYE, &bye) == 0)
            agent_send(agent);
        agent_end(agent, WORKER_BROKEN);
    }
    zsock_again(agent->socket);
}
