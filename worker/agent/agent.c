#include "worker/agent/agent.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "async/group.h"
#include "async/io.h"
#include "base/clock.h"
#include "base/container.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/signals.h"
#include "transport/access.h"
#include "worker/agent/cpus.h"
#include "worker/zygote/zygote.h"

void agent_end(struct agent *agent, int status)
{
    if (agent->state == AGENT_OVER)
        return;
    agent->state = AGENT_OVER;
    agent->status = status;
    event_flag_set(&agent->over);
}

void agent_send(struct agent *agent)
{
    int r = zsock_send(agent->socket, 0, agent->scratch.data, agent->scratch.len, NULL, 0);
    agent->last_sent = loop_now();
    if (r < 0)
        log_warn("a message was not sent", "code=%d", r);
}

static void on_result(void *arg, const struct result *result)
{
    struct agent *agent = arg;
    int r = outbox_add(&agent->outbox, result);
    if (r < 0) {
        log_error("a result can't be packed", "chunk=%llu code=%d",
                  (unsigned long long)result->chunk, r);
        agent_end(agent, WORKER_BROKEN);
    }
}

static void on_broken(void *arg, int code, const char *text)
{
    struct agent *agent = arg;
    log_error("the worker can't go on", "reason=\"%s\" code=%d", text, code);
    agent_end(agent, WORKER_BROKEN);
}

static uint32_t window_now(const struct agent *agent)
{
    int64_t mean = pool_mean_run_ns(agent->pool);
    uint64_t per_slot = 2;
    if (agent->state != AGENT_WORKING || outbox_is_full(&agent->outbox))
        return 0;
    if (mean > 0 && AGENT_AHEAD_NS / mean > 2)
        per_slot = (uint64_t)(AGENT_AHEAD_NS / mean);
    uint64_t window = per_slot * agent->slots;
    uint32_t max = agent->slots * 2 > AGENT_WINDOW_MAX ? agent->slots * 2 : AGENT_WINDOW_MAX;
    return window < max ? (uint32_t)window : max;
}

static bool send_credit(struct agent *agent)
{
    uint32_t window = window_now(agent);
    uint32_t told = agent->told_items;
    uint32_t change = window > told ? window - told : told - window;
    bool tell = !agent->credit_told || (window == 0) != (told == 0) ||
                (change > 0 && change >= told / AGENT_CREDIT_SHARE);
    if (!tell)
        return false;
    buf_clear(&agent->scratch);
    if (msg_put(&agent->scratch, MSG_CREDIT,
                &(struct msg_credit){.window_items = window, .window_bytes = AGENT_WINDOW_BYTES}) <
        0)
        return false;
    agent->credit_told = true;
    agent->told_items = window;
    agent_send(agent);
    return true;
}

static bool is_idle(const struct agent *agent)
{
    return pool_backlog(agent->pool) == 0 && pool_running(agent->pool) == 0 &&
           outbox_is_empty(&agent->outbox);
}

// Before the loop sleeps: what came together in this turn leaves as one message. After a send the
// loop stays awake, so that the socket looks at its events again.
static bool on_flush(struct prepare *prepare)
{
    struct agent *agent = container_of(prepare, struct agent, flush);
    if (agent->state == AGENT_GREETING || agent->state == AGENT_OVER)
        return false;
    int sent = outbox_send(&agent->outbox, agent->socket);
    if (sent < 0) {
        log_error("results can't be sent", "code=%d", sent);
        agent_end(agent, WORKER_LOST);
        return false;
    }
    if (sent > 0)
        agent->last_sent = loop_now();
    bool told = send_credit(agent);
    if (agent->state == AGENT_DRAINING && is_idle(agent)) {
        buf_clear(&agent->scratch);
        if (msg_put(&agent->scratch, MSG_BYE, &(struct msg_bye){.reason = "drained"}) == 0)
            agent_send(agent);
        agent_end(agent, 0);
    }
    return sent > 0 || told;
}

static void on_heartbeat(struct timer *timer)
{
    struct agent *agent = container_of(timer, struct agent, heartbeat);
    int64_t now = loop_now();
    if (agent->state != AGENT_GREETING && zconnection_is_receiving(&agent->connection))
        agent->last_heard = now;
    // A lifeline tells the truth even when the coordinator is only stopped for a while.
    bool silent = agent->state != AGENT_GREETING && now - agent->last_heard > agent->silence_ns;
    bool ignored = agent->state == AGENT_GREETING && now - agent->greeted_at > agent->patience_ns;
    if (agent->state != AGENT_GREETING)
        agent->alone_since = agent->last_heard;
    if (agent->options->give_up_ns && now - agent->alone_since > agent->options->give_up_ns) {
        log_warn("no coordinator answers: leaving", "seconds=%lld",
                 (long long)((now - agent->alone_since) / NS_PER_S));
        agent_end(agent, WORKER_LOST);
    }
    if (agent->options->lifeline_fd < 0 && silent)
        agent_begin_anew(agent, "it is silent");
    if (agent->options->lifeline_fd < 0 && ignored) {
        if (agent->tries == 2)
            log_warn("no coordinator answers yet: trying on", "tries=%u", agent->tries);
        agent_begin_anew(agent, "it does not answer");
    }
    if (agent->state != AGENT_GREETING && now - agent->last_sent >= agent->heartbeat_ns) {
        struct msg_heartbeat beat = {.running = pool_running(agent->pool),
                                     .held = pool_backlog(agent->pool)};
        buf_clear(&agent->scratch);
        if (msg_put(&agent->scratch, MSG_HEARTBEAT, &beat) == 0)
            agent_send(agent);
    }
    timer_set(&agent->heartbeat, clock_after(now, agent->heartbeat_ns / 2), on_heartbeat);
}

static int say_hello(struct agent *agent)
{
    struct msg_hello hello = {.version_min = PROTO_VERSION_MIN, .version_max = PROTO_VERSION_MAX};
    memcpy(hello.session, agent->session, sizeof(hello.session));
    snprintf(hello.software, sizeof(hello.software), "fanmill %s", FM_VERSION);
    buf_clear(&agent->scratch);
    int r = msg_put(&agent->scratch, MSG_HELLO, &hello);
    if (r == 0)
        agent_send(agent);
    agent->greeted_at = loop_now();
    return r;
}

static int connect_socket(struct agent *agent, struct err *err)
{
    const struct worker_options *o = agent->options;
    const char *endpoint = o->endpoint;
    // Each new try is another of the addresses that the coordinator may be reached by.
    if (!endpoint)
        endpoint = o->access->endpoints[agent->tries % o->access->n_endpoints];
    agent->tries++;
    int r = zsock_open(agent->transport, ZSOCK_DEALER, agent_pump, agent, &agent->socket, err);
    if (r == 0 && o->access && o->access->keys.secret_key[0])
        r = zsock_set_client_keys(agent->socket, o->access->coordinator, &o->access->keys, err);
    return r < 0 ? r : zsock_connect(agent->socket, endpoint, err);
}

static void on_anew(struct post *post)
{
    struct agent *agent = container_of(post, struct agent, anew);
    struct err err = {0};
    uint16_t jitter = 0;
    if (agent->state == AGENT_OVER)
        return;
    pool_reset(agent->pool);
    agent_forget_steps(agent, 0);
    outbox_done(&agent->outbox);
    outbox_init(&agent->outbox, 0);
    agent->credit_told = false;
    agent->told_items = 0;
    agent->state = AGENT_GREETING;
    // All workers of a coordinator lose it at the same moment: they come back one after another.
    if (getrandom(&jitter, sizeof(jitter), GRND_NONBLOCK) < 0)
        jitter = 0;
    int64_t patience = agent->patience_ns ? agent->patience_ns * 2 : AGENT_PATIENCE_NS;
    agent->patience_ns = patience < AGENT_PATIENCE_MAX_NS ? patience : AGENT_PATIENCE_MAX_NS;
    agent->patience_ns += agent->patience_ns * jitter / (4 * UINT16_MAX);
    agent->socket = zsock_close(agent->socket);
    int r = connect_socket(agent, &err);
    if (r == 0)
        r = say_hello(agent);
    if (r < 0) {
        log_error("the worker can't go on", "reason=\"%s\"", err.text);
        agent_end(agent, WORKER_BROKEN);
    }
}

void agent_begin_anew(struct agent *agent, const char *why)
{
    if (agent->state == AGENT_OVER || agent->anew.queued)
        return;
    if (agent->options->lifeline_fd >= 0) {
        log_error("the coordinator is gone", "reason=\"%s\"", why);
        agent_end(agent, WORKER_LOST);
        return;
    }
    // It was told to leave, and there is nobody to finish anything for.
    if (agent->state == AGENT_DRAINING) {
        log_warn("the coordinator is gone: leaving", "reason=\"%s\"", why);
        agent_end(agent, 0);
        return;
    }
    if (agent->state == AGENT_WORKING)
        log_warn("the coordinator is gone: looking for it", "reason=\"%s\"", why);
    loop_post(&agent->anew, on_anew);
}

// Returns 1 for the coordinator's go, 0 when it is gone.
static int wait_for_go(const struct agent *agent)
{
    char byte;
    if (agent->options->lifeline_fd < 0)
        return 1;
    return io_read(agent->options->lifeline_fd, &byte, 1) == 1;
}

static int watch_lifeline(void *arg)
{
    struct agent *agent = arg;
    char byte;
    ssize_t n;
    while ((n = io_read(agent->options->lifeline_fd, &byte, 1)) > 0)
        ;
    if (n != -ECANCELED)
        agent_end(agent, WORKER_LOST);
    return 0;
}

static int watch_end(void *arg)
{
    struct agent *agent = arg;
    char bytes[64];
    ssize_t n;
    while ((n = io_read(agent->options->end_fd, bytes, sizeof(bytes))) > 0)
        ;
    if (n != -ECANCELED)
        agent_end(agent, 0);
    return 0;
}

static int watch_signals(void *arg)
{
    struct agent *agent = arg;
    const int list[] = {SIGTERM, SIGINT, SIGHUP};
    struct signals signals;
    if (signals_open(list, sizeof(list) / sizeof(list[0]), &signals) < 0)
        return 0;
    if (signals_next(&signals) > 0) {
        // Without a coordinator there is nothing to finish for anybody.
        if (agent->state == AGENT_GREETING)
            agent_end(agent, 0);
        agent_drain(agent);
        if (signals_next(&signals) > 0)
            agent_end(agent, 0);
    }
    signals_close(&signals);
    return 0;
}

static int serve(struct agent *agent)
{
    struct group group;
    group_open(&group);
    int r = 0;
    if (agent->options->lifeline_fd >= 0)
        r = group_spawn(&group, "lifeline", watch_lifeline, agent);
    if (r == 0 && agent->options->end_fd >= 0)
        r = group_spawn(&group, "end", watch_end, agent);
    if (r == 0)
        r = group_spawn(&group, "signals", watch_signals, agent);
    if (r == 0)
        r = say_hello(agent);
    if (r == 0)
        event_flag_wait(&agent->over);
    else
        agent_end(agent, WORKER_BROKEN);
    group_cancel(&group);
    group_wait(&group);
    return 0;
}

struct start {
    struct agent *agent;
    struct zygote *zygote;
};

static int run(void *arg)
{
    struct start *start = arg;
    struct agent *agent = start->agent;
    const struct pool_callbacks callbacks = {.result = on_result, .broken = on_broken};
    struct err err = {0};
    if (!wait_for_go(agent))
        return WORKER_LOST;
    int r = pool_new(start->zygote, agent->slots, &callbacks, agent, &agent->pool, &err);
    if (r == 0)
        pool_obey(agent->pool, agent->options->jobserver);
    if (r == 0)
        r = transport_new(&agent->transport, &err);
    if (r == 0 && getrandom(agent->session, sizeof(agent->session), 0) != sizeof(agent->session))
        r = err_set(&err, -EIO, "no random numbers");
    if (r == 0)
        r = connect_socket(agent, &err);
    if (r == 0) {
        agent->patience_ns = AGENT_PATIENCE_NS;
        agent->last_heard = agent->last_sent = agent->alone_since = loop_now();
        agent->heartbeat_ns = PROTO_HEARTBEAT_NS;
        agent->silence_ns = PROTO_SILENCE_NS;
        prepare_add(&agent->flush, on_flush);
        timer_set(&agent->heartbeat, clock_after(loop_now(), agent->heartbeat_ns), on_heartbeat);
        serve(agent);
        prepare_remove(&agent->flush);
        timer_cancel(&agent->heartbeat);
    } else {
        log_error("the worker can't start", "reason=\"%s\"", err.text);
        agent->status = WORKER_BROKEN;
    }
    loop_unpost(&agent->anew);
    agent->pool = pool_free(agent->pool);
    agent_forget_steps(agent, 0);
    libraries_done(&agent->libraries);
    if (agent->status == 0)
        zsock_set_linger(agent->socket, ZSOCK_BYE_MS);
    zsock_close(agent->socket);
    transport_free(agent->transport);
    return agent->status;
}

int worker_main(const struct worker_options *options)
{
    struct agent agent = {.options = options, .status = WORKER_BROKEN, .connection = {.fd = -1}};
    struct start start = {.agent = &agent};
    struct err err = {0};
    signal_ignore(SIGPIPE);
    fd_raise_limit();
    agent.slots = options->slots ? options->slots : cpus_available();
    if (agent.slots > PROTO_SLOTS_MAX)
        agent.slots = PROTO_SLOTS_MAX;
    int r = zygote_fork(options->jobserver, &start.zygote, &err);
    if (r < 0) {
        log_error("the worker can't start", "reason=\"%s\"", err.text);
        return WORKER_BROKEN;
    }
    batch_reader_init(&agent.reader);
    buf_init(&agent.scratch, PROTO_HEADER_MAX);
    buf_init(&agent.returns, 0);
    outbox_init(&agent.outbox, 0);
    int status = loop_run(run, &start);
    zygote_free(start.zygote);
    if (status == WORKER_LOST && options->local)
        localdir_remove(options->local);
    outbox_done(&agent.outbox);
    batch_reader_done(&agent.reader);
    buf_done(&agent.scratch);
    buf_done(&agent.returns);
    return status < 0 ? WORKER_BROKEN : status;
}
