#include "worker/agent/receive.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/notify.h"
#include "worker/agent/leaving.h"
#include "worker/agent/resume.h"
#include "worker/pool/intake.h"

static int get(const struct zmessage *m, enum msg_type type, void *ret, struct err *err)
{
    return msg_get(m->header, m->header_len, type, ret, err);
}

static int on_welcome(struct agent *agent, const struct zmessage *m, struct err *err)
{
    const struct worker_options *o = agent->options;
    struct msg_welcome welcome;
    struct msg_register reg = {.pid = (uint32_t)getpid(), .slots = agent->slots};
    int r = get(m, MSG_WELCOME, &welcome, err);
    if (r < 0)
        return r;
    if (welcome.version < PROTO_VERSION_MIN || welcome.version > PROTO_VERSION_MAX)
        return err_set(err, -EPROTONOSUPPORT, "the coordinator chose version %u", welcome.version);
    zmessage_connection(m, &agent->connection);
    agent->heartbeat_ns = welcome.heartbeat_ns;
    agent->silence_ns = welcome.silence_ns;
    bool is_back = resume_welcomed(agent, welcome.epoch);
    if (is_back && resume_say_kept(agent) < 0)
        return err_set(err, -ENOMEM, "out of memory");
    if (gethostname(reg.host, sizeof(reg.host) - 1) < 0)
        snprintf(reg.host, sizeof(reg.host), "localhost");
    snprintf(reg.name, sizeof(reg.name), "%s", o->name ? o->name : reg.host);
    long pages = sysconf(_SC_PHYS_PAGES);
    long page = sysconf(_SC_PAGESIZE);
    reg.ends_in_ns = leaving_in(agent);
    if (o->resources)
        reg.resources = *o->resources;
    reg.resources.cpus = 1000ull * agent->slots;
    if (pages > 0 && page > 0 && !reg.resources.memory_bytes)
        reg.resources.memory_bytes = (uint64_t)pages * (uint64_t)page;
    agent->state = AGENT_WORKING;
    agent->tries = 0;
    agent->patience_ns = 0;
    agent->registered = false;
    r = agent_say(agent, MSG_REGISTER, &reg);
    if (is_back)
        resume_say_rest(agent);
    return r < 0 ? err_set(err, r, "can't write REGISTER") : 0;
}

// REGISTER is answered by REFUSE or by anything else.
static void on_accepted(struct agent *agent)
{
    static const char line[] = "ready\n";
    int fd = agent->options->ready_fd;
    agent->registered = true;
    agent->told_handshake = false;
    log_info("registered with the coordinator", "slots=%u", agent->slots);
    if (agent->told_ready)
        return;
    agent->told_ready = true;
    notify_say("READY=1");
    if (fd >= 0 && write(fd, line, sizeof(line) - 1) < 0)
        log_warn("can't tell that the worker is ready (--ready)", "reason=\"%s\"", strerror(errno));
}

static int on_refuse(struct agent *agent, const struct zmessage *m, struct err *err)
{
    struct msg_refuse refuse;
    int r = get(m, MSG_REFUSE, &refuse, err);
    if (r < 0)
        return r;
    if (refuse.code == -ENOTCONN)
        return agent->state == AGENT_GREETING
                   ? 0
                   : err_set(err, -ENOTCONN, "it does not know this worker");
    err_set(err, 0, "the coordinator refused this worker: %s", refuse.text);
    agent_end(agent, WORKER_LOST, err->text);
    return 0;
}

static int on_step(struct agent *agent, const struct zmessage *m, struct err *err)
{
    struct msg_step step;
    int r = get(m, MSG_STEP, &step, err);
    return r < 0 ? r : arriving_step(&agent->arriving, &step, err);
}

static int on_library(struct agent *agent, const struct zmessage *m, struct err *err)
{
    struct msg_library library;
    int r = get(m, MSG_LIBRARY, &library, err);
    if (r < 0)
        return r;
    return arriving_library(&agent->arriving, &library, m->body ? m->body->data : NULL,
                            m->body ? m->body->len : 0, err);
}

static int on_lease(struct agent *agent, const struct zmessage *m, struct err *err)
{
    struct lease lease;
    int r = lease_batch_open(&agent->reader, m->header, m->header_len,
                             m->body ? m->body->data : NULL, m->body ? m->body->len : 0, err);
    while (r >= 0 && (r = lease_batch_next(&agent->reader, &lease, err)) == 1) {
        int added = pool_add(agent->pool, &lease);
        if (added < 0)
            return err_sys(err, added, "a lease of job %llu, step %u can't be accepted",
                           (unsigned long long)lease.job, lease.step + 1);
    }
    return r;
}

static int on_ack(struct agent *agent, const struct zmessage *m, struct err *err)
{
    struct msg_ack ack;
    int r = get(m, MSG_ACK, &ack, err);
    if (r == 0)
        outbox_ack(&agent->outbox, ack.seq);
    return r;
}

static int on_cancel(struct agent *agent, const struct zmessage *m, struct err *err)
{
    struct msg_cancel cancel;
    int r = get(m, MSG_CANCEL, &cancel, err);
    if (r < 0)
        return r;
    agent_return(agent, cancel.job, false);
    if (cancel.mode != CANCEL_QUEUED)
        pool_cancel(agent->pool, cancel.job, cancel.mode == CANCEL_KILL);
    return 0;
}

static int on_recall(struct agent *agent, const struct zmessage *m, struct err *err)
{
    struct msg_return run;
    int r = recall_batch_open(&agent->reader, m->header, m->header_len, err);
    while (r >= 0 && (r = recall_batch_next(&agent->reader, &run, err)) == 1)
        pool_recall(agent->pool, &run);
    return r;
}

static int on_forget(struct agent *agent, const struct zmessage *m, struct err *err)
{
    struct msg_forget forget;
    int r = get(m, MSG_FORGET, &forget, err);
    if (r < 0)
        return r;
    pool_forget(agent->pool, forget.job);
    arriving_forget(&agent->arriving, forget.job);
    return 0;
}

static int on_discard(struct agent *agent, const struct zmessage *m, struct err *err)
{
    struct msg_return run;
    int r = kept_batch_open(&agent->reader, MSG_DISCARD, m->header, m->header_len, err);
    while (r >= 0 && (r = kept_batch_next(&agent->reader, MSG_DISCARD, &run, err)) == 1) {
        log_info("a chunk is discarded: it ran elsewhere, or is not needed any more",
                 "job=%llu step=%u chunk=%llu count=%u", (unsigned long long)run.job, run.step + 1,
                 (unsigned long long)run.first + 1, run.count);
        pool_discard(agent->pool, &run);
    }
    return r;
}

static int on_drain(struct agent *agent, const struct zmessage *m, struct err *err)
{
    (void)m;
    (void)err;
    agent_drain(agent, "the coordinator asks for it");
    return 0;
}

static int on_bye(struct agent *agent, const struct zmessage *m, struct err *err)
{
    (void)m;
    if (agent->options->lifeline_fd < 0)
        return err_set(err, -ESHUTDOWN, "it has ended");
    agent_end(agent, 0, "the coordinator has ended");
    return 0;
}

#define IN(state) (1u << AGENT_##state)

static const struct {
    enum msg_type type;
    unsigned states; // in which it may come
    // NULL: that it came is all.
    int (*on)(struct agent *agent, const struct zmessage *m, struct err *err);
} messages[] = {
    {MSG_WELCOME, IN(GREETING), on_welcome},
    {MSG_REFUSE, IN(GREETING) | IN(WORKING) | IN(DRAINING), on_refuse},
    {MSG_STEP, IN(WORKING) | IN(DRAINING), on_step},
    {MSG_LIBRARY, IN(WORKING) | IN(DRAINING), on_library},
    {MSG_LEASE, IN(WORKING) | IN(DRAINING), on_lease},
    {MSG_ACK, IN(WORKING) | IN(DRAINING), on_ack},
    {MSG_CANCEL, IN(WORKING) | IN(DRAINING), on_cancel},
    {MSG_RECALL, IN(WORKING) | IN(DRAINING), on_recall},
    {MSG_FORGET, IN(WORKING) | IN(DRAINING), on_forget},
    {MSG_DISCARD, IN(WORKING) | IN(DRAINING), on_discard},
    {MSG_HEARTBEAT, IN(WORKING) | IN(DRAINING), NULL},
    {MSG_DRAIN, IN(WORKING) | IN(DRAINING), on_drain},
    {MSG_BYE, IN(WORKING) | IN(DRAINING), on_bye},
};

int receive(struct agent *agent, const struct zmessage *m, struct err *err)
{
    int type = msg_type_of(m->header, m->header_len);
    for (size_t i = 0; i < sizeof(messages) / sizeof(messages[0]); i++)
        if ((int)messages[i].type == type && messages[i].states & 1u << agent->state) {
            if (!agent->registered && agent->state != AGENT_GREETING && type != MSG_REFUSE)
                on_accepted(agent);
            return messages[i].on ? messages[i].on(agent, m, err) : 0;
        }
    return err_set(err, -EPROTO, "unexpected message %s%s", msg_name(type),
                   agent->state == AGENT_GREETING ? "; expected WELCOME" : "");
}
