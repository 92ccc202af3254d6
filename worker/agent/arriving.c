// Definitions of steps, and those whose chunks wait for a kernel's library.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "worker/agent/agent.h"
#include "worker/pool/intake.h"

struct waiting_step {
    struct waiting_step *next;
    uint64_t job;
    uint32_t step;
    uint8_t missing[DIGEST_BYTES];
    struct buf packed;
};

static void waiting_free(struct waiting_step *w)
{
    buf_done(&w->packed);
    free(w);
}

static bool is_asked_for(const struct agent *agent, const uint8_t digest[DIGEST_BYTES])
{
    for (const struct waiting_step *w = agent->waiting; w; w = w->next)
        if (memcmp(w->missing, digest, DIGEST_BYTES) == 0)
            return true;
    return false;
}

static void ask_for(struct agent *agent, const uint8_t digest[DIGEST_BYTES])
{
    struct msg_need need;
    memcpy(need.digest, digest, DIGEST_BYTES);
    buf_clear(&agent->scratch);
    if (msg_put(&agent->scratch, MSG_NEED, &need) == 0)
        agent_send(agent);
}

static int wait_for(struct agent *agent, const struct msg_step *step,
                    const uint8_t missing[DIGEST_BYTES], struct err *err)
{
    struct waiting_step *w = calloc(1, sizeof(*w));
    int r = w ? 0 : -ENOMEM;
    if (w) {
        *w = (struct waiting_step){.job = step->job, .step = step->step};
        buf_init(&w->packed, PROTO_STEP_MAX);
        r = buf_add(&w->packed, step->packed, step->packed_len);
    }
    if (r < 0) {
        if (w)
            waiting_free(w);
        return err_sys(err, r, "a step");
    }
    if (!is_asked_for(agent, missing))
        ask_for(agent, missing);
    memcpy(w->missing, missing, DIGEST_BYTES);
    w->next = agent->waiting;
    agent->waiting = w;
    return 0;
}

int agent_on_step(struct agent *agent, const struct zmessage *m, struct err *err)
{
    _cleanup_(buf_done)
    struct buf placed;
    struct msg_step step;
    uint8_t missing[DIGEST_BYTES];
    buf_init(&placed, PROTO_STEP_MAX);
    int r = msg_get(m->header, m->header_len, MSG_STEP, &step, err);
    if (r < 0 || pool_knows(agent->pool, step.job, step.step))
        return r;
    int found = libraries_resolve(&agent->libraries, step.job, step.packed, step.packed_len,
                                  &placed, missing, err);
    if (found < 0)
        return found;
    if (found == 1) {
        step.packed = placed.data;
        step.packed_len = placed.len;
    }
    r = pool_define(agent->pool, &step, err);
    if (r == 0 && found == 1)
        r = pool_ready(agent->pool, step.job, step.step, step.packed, step.packed_len);
    return r < 0 || found == 1 ? r : wait_for(agent, &step, missing, err);
}

// The library came: the step may begin, or wants the next one. True when it waits no more.
static bool try_again(struct agent *agent, struct waiting_step *w)
{
    _cleanup_(buf_done)
    struct buf placed;
    struct err err = {0};
    uint8_t missing[DIGEST_BYTES];
    buf_init(&placed, PROTO_STEP_MAX);
    int found = libraries_resolve(&agent->libraries, w->job, w->packed.data, w->packed.len, &placed,
                                  missing, &err);
    if (found == 1)
        found = pool_ready(agent->pool, w->job, w->step, placed.data, placed.len) < 0 ? -ENOMEM : 1;
    if (found < 0)
        pool_give_up(agent->pool, w->job, w->step, err.text[0] ? err.text : "out of memory");
    if (found != 0)
        return true;
    if (!is_asked_for(agent, missing))
        ask_for(agent, missing);
    memcpy(w->missing, missing, DIGEST_BYTES);
    return false;
}

int agent_on_library(struct agent *agent, const struct zmessage *m, struct err *err)
{
    struct msg_library library;
    int r = msg_get(m->header, m->header_len, MSG_LIBRARY, &library, err);
    if (r < 0)
        return r;
    int code = library.code;
    if (code == 0)
        code = libraries_add(&agent->libraries, library.digest, m->body ? m->body->data : NULL,
                             m->body ? m->body->len : 0);
    if (code == -EBADMSG)
        return err_set(err, -EPROTO, "a library with another digest than its own");
    if (code < 0 && library.code == 0)
        snprintf(library.text, sizeof(library.text), "a kernel's library can't be kept here: %s",
                 strerror(-code));
    for (struct waiting_step **at = &agent->waiting; *at;) {
        struct waiting_step *w = *at;
        bool over = memcmp(w->missing, library.digest, DIGEST_BYTES) == 0;
        if (over && code < 0)
            pool_give_up(agent->pool, w->job, w->step, library.text);
        else if (over)
            over = try_again(agent, w);
        if (!over) {
            at = &w->next;
            continue;
        }
        *at = w->next;
        waiting_free(w);
    }
    return 0;
}

void agent_forget_steps(struct agent *agent, uint64_t job)
{
    for (struct waiting_step **at = &agent->waiting; *at;) {
        struct waiting_step *w = *at;
        if (job && w->job != job) {
            at = &w->next;
            continue;
        }
        *at = w->next;
        waiting_free(w);
    }
    libraries_release(&agent->libraries, job);
}
