#include "worker/agent/connect.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "base/clock.h"
#include "base/container.h"
#include "base/log.h"
#include "transport/access.h"
#include "transport/monitor.h"
#include "worker/agent/receive.h"
#include "worker/agent/resume.h"

#define MESSAGES_PER_TURN 256
#define PATIENCE_NS (2 * NS_PER_S) // with a coordinator that does not answer HELLO
#define PATIENCE_MAX_NS (10 * NS_PER_S)
#define STALE_NS (120 * NS_PER_S) // of silence, then another connection is tried

static int say_hello(struct agent *agent)
{
    struct msg_hello hello = {.version_min = PROTO_VERSION_MIN, .version_max = PROTO_VERSION_MAX};
    memcpy(hello.session, agent->session, sizeof(hello.session));
    snprintf(hello.software, sizeof(hello.software), "fanmill %s", FM_VERSION);
    agent->greeted_at = loop_now();
    return agent_say(agent, MSG_HELLO, &hello);
}

static void pump(void *arg);

// A worker that is not let in keeps trying: the list may be mended, or the coordinator's key.
static void on_handshake(void *arg, enum monitor_event event, const char *what)
{
    struct agent *agent = arg;
    const struct access *access = agent->options->access;
    (void)what;
    if (agent->told_handshake || (event != MONITOR_REFUSED && event != MONITOR_FAILED))
        return;
    agent->told_handshake = true;
    if (event == MONITOR_REFUSED)
        log_warn("the coordinator refuses this worker's key: still trying", "name=%s reason=\"%s\"",
                 access->name, "it is not on its list: revoked, expired, or never invited there");
    else
        log_warn("the handshake with the coordinator fails: still trying", "reason=\"%s\"",
                 "it has another key than the access file says, or is no fanmill coordinator");
}

static int open_socket(struct agent *agent, struct err *err)
{
    const struct worker_options *o = agent->options;
    const char *endpoint = o->endpoint;
    // Each new try takes the next of the addresses at which the coordinator may be reached.
    if (!endpoint)
        endpoint = o->access->endpoints[agent->tries % o->access->n_endpoints];
    agent->tries++;
    int r = zsock_open(agent->transport, ZSOCK_DEALER, pump, agent, &agent->socket, err);
    if (r == 0 && o->access && o->access->keys.secret_key[0]) {
        r = zsock_set_client_keys(agent->socket, o->access->coordinator, &o->access->keys, err);
        if (r == 0)
            r = monitor_open(agent->transport, agent->socket, on_handshake, agent, &agent->monitor,
                             err);
    }
    if (r == 0)
        r = zsock_connect(agent->socket, endpoint, err);
    return r < 0 ? r : say_hello(agent);
}

static void on_reopen(struct post *post)
{
    struct agent *agent = container_of(post, struct agent, reopen);
    struct err err = {0};
    uint16_t jitter = 0;
    if (agent->state == AGENT_OVER)
        return;
    agent->state = AGENT_GREETING;
    // All workers of a coordinator lose it at the same moment: they come back one after another.
    if (getrandom(&jitter, sizeof(jitter), GRND_NONBLOCK) < 0)
        jitter = 0;
    int64_t patience = agent->patience_ns ? agent->patience_ns * 2 : PATIENCE_NS;
    agent->patience_ns = patience < PATIENCE_MAX_NS ? patience : PATIENCE_MAX_NS;
    agent->patience_ns += agent->patience_ns * jitter / (4 * UINT16_MAX);
    agent->monitor = monitor_close(agent->monitor);
    agent->socket = zsock_close(agent->socket);
    if (open_socket(agent, &err) < 0)
        agent_end(agent, WORKER_BROKEN, err.text);
}

// The connection is of no use: greets the coordinator again on a new one, or ends a worker with a
// lifeline. What runs goes on, unless the coordinator itself has ended.
static void connect_again(struct agent *agent, bool has_ended, const char *why)
{
    if (agent->state == AGENT_OVER || agent->reopen.queued)
        return;
    if (agent->options->lifeline_fd >= 0) {
        agent_end(agent, WORKER_LOST, why);
        return;
    }
    // It was leaving anyway, and no one is there to finish anything for.
    if (agent->state == AGENT_DRAINING) {
        agent_end(agent, 0, why);
        return;
    }
    if (agent->state != AGENT_GREETING)
        log_warn("the coordinator is gone: looking for it", "running=%u reason=\"%s\"",
                 pool_running(agent->pool), why);
    resume_begin(agent);
    if (has_ended)
        resume_give_up(agent);
    loop_post(&agent->reopen, on_reopen);
}

static void on_mistake(struct agent *agent, const struct err *err)
{
    struct msg_bye bye = {0};
    snprintf(bye.reason, sizeof(bye.reason), "%s", err->text);
    agent_say(agent, MSG_BYE, &bye);
    agent_end(agent, WORKER_BROKEN, err->text);
}

static void pump(void *arg)
{
    struct agent *agent = arg;
    for (int i = 0; i < MESSAGES_PER_TURN && agent->state != AGENT_OVER; i++) {
        struct zmessage m = {0};
        struct err err = {0};
        int r = zsock_recv(agent->socket, &m);
        if (r == -EBADMSG)
            r = err_set(&err, -EPROTO, "a message with too many frames");
        else if (r <= 0)
            return;
        else
            r = receive(agent, &m, &err);
        zmessage_done(&m);
        agent->last_heard = loop_now();
        if (r == -ENOTCONN || r == -ESHUTDOWN)
            connect_again(agent, r == -ESHUTDOWN, err.text);
        else if (r < 0)
            on_mistake(agent, &err);
    }
    zsock_again(agent->socket);
}

// Nobody to bring results to, for longer than it is worth waiting.
static void lose(struct agent *agent, int64_t silent)
{
    log_warn("the coordinator is lost: what runs is ended", "running=%u seconds=%lld",
             pool_running(agent->pool), (long long)(silent / NS_PER_S));
    if (agent->state == AGENT_DRAINING) {
        agent_end(agent, 0, "the coordinator is lost");
        return;
    }
    resume_begin(agent);
    resume_give_up(agent);
    loop_post(&agent->reopen, on_reopen);
}

// A coordinator that is silent ends nothing: it may be stopped or busy, or the network is down.
static void check_silence(struct agent *agent, int64_t now)
{
    const struct worker_options *o = agent->options;
    bool greeting = agent->state == AGENT_GREETING;
    int64_t lost_after = o->lost_after_ns ? o->lost_after_ns : WORKER_LOST_AFTER_NS;
    if (!greeting && zconnection_is_receiving(&agent->connection))
        agent->last_heard = now;
    if (!greeting)
        agent->alone_since = agent->last_heard;
    int64_t alone = now - agent->alone_since;
    if (o->give_up_ns && alone > o->give_up_ns) {
        agent_end(agent, WORKER_LOST, "no coordinator answers (--give-up)");
        return;
    }
    // A lifeline is right even when the coordinator is only stopped for a while.
    if (o->lifeline_fd >= 0)
        return;
    if ((!greeting || agent->returning) && alone > lost_after) {
        lose(agent, alone);
        return;
    }
    // One that leaves finishes what runs, and has nobody to give it to.
    if (agent->state == AGENT_DRAINING && alone > agent->silence_ns && !pool_running(agent->pool)) {
        agent_end(agent, 0, "drained, and the coordinator is silent");
        return;
    }
    if (!greeting && alone > agent->silence_ns && !agent->told_silence)
        log_warn("the coordinator is silent: what runs goes on", "running=%u seconds=%lld",
                 pool_running(agent->pool), (long long)(alone / NS_PER_S));
    else if (!greeting && alone <= agent->silence_ns && agent->told_silence)
        log_info("the coordinator is heard again", "running=%u", pool_running(agent->pool));
    agent->told_silence = !greeting && alone > agent->silence_ns;
    // The connection may be dead without a word, or the coordinator be elsewhere now.
    if (!greeting && alone > STALE_NS)
        connect_again(agent, false, "it is silent");
    if (greeting && now - agent->greeted_at > agent->patience_ns) {
        if (agent->tries == 2)
            log_warn("no coordinator answers yet: still trying", "tries=%u", agent->tries);
        connect_again(agent, false, "it does not answer");
    }
}

static void on_heartbeat(struct timer *timer)
{
    struct agent *agent = container_of(timer, struct agent, heartbeat);
    int64_t now = loop_now();
    check_silence(agent, now);
    if (agent->state != AGENT_GREETING && now - agent->last_sent >= agent->heartbeat_ns) {
        const struct msg_heartbeat beat = {.running = pool_running(agent->pool),
                                           .backlog = pool_backlog(agent->pool)};
        agent_say(agent, MSG_HEARTBEAT, &beat);
    }
    timer_set(&agent->heartbeat, clock_after(now, agent->heartbeat_ns / 2), on_heartbeat);
}

int connect_begin(struct agent *agent, struct err *err)
{
    int r = transport_new(&agent->transport, err);
    if (r < 0)
        return r;
    if (getrandom(agent->session, sizeof(agent->session), 0) != sizeof(agent->session))
        return err_set(err, -EIO, "can't get random bytes");
    agent->patience_ns = PATIENCE_NS;
    agent->last_heard = agent->last_sent = agent->alone_since = loop_now();
    agent->heartbeat_ns = PROTO_HEARTBEAT_NS;
    agent->silence_ns = PROTO_SILENCE_NS;
    r = open_socket(agent, err);
    if (r == 0)
        timer_set(&agent->heartbeat, clock_after(loop_now(), agent->heartbeat_ns), on_heartbeat);
    return r;
}

void connect_end(struct agent *agent, bool grace)
{
    timer_cancel(&agent->heartbeat);
    loop_unpost(&agent->reopen);
    agent->monitor = monitor_close(agent->monitor);
    if (grace)
        zsock_set_linger(agent->socket, ZSOCK_BYE_MS);
    agent->socket = zsock_close(agent->socket);
    transport_free(agent->transport);
}
