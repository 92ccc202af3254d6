#include "worker/agent/worker.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "async/group.h"
#include "async/io.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/notify.h"
#include "base/signals.h"
#include "worker/agent/agent.h"
#include "worker/agent/connect.h"
#include "worker/agent/flush.h"
#include "worker/agent/leaving.h"
#include "worker/cpus.h"
#include "worker/zygote/zygote.h"

static void on_result(void *arg, const struct result *result)
{
    struct agent *agent = arg;
    char text[128];
    int r = outbox_add(&agent->outbox, result);
    if (r < 0) {
        snprintf(text, sizeof(text), "the result of chunk %llu can't be packed: %s",
                 (unsigned long long)result->chunk + 1, strerror(-r));
        agent_end(agent, WORKER_BROKEN, text);
    }
}

static void on_begun(void *arg, const struct msg_begun *begun)
{
    struct agent *agent = arg;
    if (buf_add(&agent->begun, begun, sizeof(*begun)) < 0)
        agent_end(agent, WORKER_BROKEN, "out of memory");
}

static void on_broken(void *arg, int code, const char *text)
{
    struct agent *agent = arg;
    (void)code;
    agent_end(agent, WORKER_BROKEN, text);
}

static void on_need(void *arg, const struct msg_need *need)
{
    agent_say(arg, MSG_NEED, need);
}

// Waits until the coordinator can be reached. 0: it is gone.
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
    while ((n = io_read(agent->options->lifeline_fd, &byte, 1)) > 0) {
        if (byte == LIFELINE_PAUSE)
            pool_pause(agent->pool);
        else if (byte == LIFELINE_RESUME)
            pool_resume(agent->pool);
    }
    if (n != -ECANCELED)
        agent_end(agent, WORKER_LOST, "its lifeline broke");
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
        agent_end(agent, 0, "its standard input has ended: who started it is gone");
    return 0;
}

static int watch_signals(void *arg)
{
    struct agent *agent = arg;
    const int list[] = {SIGTERM, SIGINT, SIGHUP};
    struct signals signals;
    if (signals_open(list, sizeof(list) / sizeof(list[0]), &signals) < 0)
        return 0;
    char name[SIGNAL_TEXT_MAX];
    int number = signals_next(&signals);
    if (number > 0) {
        signal_text(number, name);
        // Without a coordinator nothing is worth finishing.
        if (agent->state == AGENT_GREETING)
            agent_end(agent, 0, name);
        agent_drain(agent, name);
        number = signals_next(&signals);
        if (number > 0)
            agent_end(agent, 0, signal_text(number, name));
    }
    signals_close(&signals);
    return 0;
}

static void serve(struct agent *agent)
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
        event_flag_wait(&agent->over);
    else
        agent_end(agent, WORKER_BROKEN, "out of memory");
    group_cancel(&group);
    group_wait(&group);
}

struct worker_start {
    struct agent *agent;
    struct zygote *zygote;
};

static int run(void *arg)
{
    const struct worker_start *start = arg;
    struct agent *agent = start->agent;
    static const struct pool_callbacks callbacks = {.result = on_result,
                                                    .begun = on_begun,
                                                    .returned = agent_collect_return,
                                                    .broken = on_broken};
    struct err err = {0};
    if (!wait_for_go(agent))
        return WORKER_LOST;
    int r = pool_new(start->zygote, agent->slots, &callbacks, agent, &agent->pool, &err);
    if (r == 0) {
        pool_obey(agent->pool, agent->options->jobserver);
        arriving_init(&agent->arriving, agent->pool, on_need, agent);
        r = connect_begin(agent, &err);
    }
    if (r == 0) {
        flush_begin(agent);
        leaving_begin(agent);
        serve(agent);
        leaving_end(agent);
        flush_end(agent);
    } else {
        log_error("the worker can't start", "reason=\"%s\"", err.text);
        agent->status = WORKER_BROKEN;
    }
    arriving_done(&agent->arriving);
    agent->pool = pool_free(agent->pool);
    connect_end(agent, agent->status == 0);
    return agent->status;
}

int worker_main(const struct worker_options *options)
{
    struct agent agent = {.options = options, .status = WORKER_BROKEN, .connection = {.fd = -1}};
    struct worker_start start = {.agent = &agent};
    struct err err = {0};
    signal_absorb(SIGPIPE);
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
    buf_init(&agent.header, PROTO_HEADER_MAX);
    buf_init(&agent.returns, 0);
    buf_init(&agent.begun, 0);
    outbox_init(&agent.outbox, 0);
    int status = loop_run(run, &start);
    notify_say("STOPPING=1");
    zygote_free(start.zygote);
    if (status == WORKER_LOST && options->local)
        localdir_remove(options->local);
    outbox_done(&agent.outbox);
    batch_reader_done(&agent.reader);
    buf_done(&agent.header);
    buf_done(&agent.returns);
    buf_done(&agent.begun);
    return status < 0 ? WORKER_BROKEN : status;
}
