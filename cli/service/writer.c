#include "cli/service/writer.h"

#include <errno.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "cli/follow/follow.h"
#include "pipelines/plan.h"

struct writing {
    struct writers *writers;
    uint64_t job;
    struct plan *plan; // its own: the job may be forgotten before the file is whole
};

static int no_stdout(void *arg, const void *data, size_t len)
{
    (void)arg;
    (void)data;
    (void)len;
    return 0;
}

static void writing_free(struct writing *w)
{
    plan_free(w->plan);
    free(w);
}

static void warn(const struct writing *w, const char *what, const char *why)
{
    log_warn(what, "job=%llu path=%s reason=\"%s\"", (unsigned long long)w->job, w->plan->sink.path,
             why);
}

static int write_sink(void *arg)
{
    struct writing *w = arg;
    struct sink_writer *sink = NULL;
    struct err err = {0};
    struct report report = {.plan = w->plan, .name = w->plan->name, .quiet = true};
    struct follow f = {.link = w->writers->link,
                       .job = w->job,
                       .plan = w->plan,
                       .report = &report,
                       .no_signals = true,
                       .ends_job = true};
    int r = sink_open(w->plan, no_stdout, NULL, &sink, &err);
    if (r == 0) {
        f.sink = sink;
        follow_run(&f);
        bool complete = !f.error && !f.sink_error && fate_is_whole(f.info.fate);
        if (complete || w->plan->sink.kind == SINK_DIR)
            r = f.sink_error ? f.sink_error : sink_finish(sink, &err);
        else if (!f.error && !f.sink_error)
            warn(w, "not written", "the job did not finish");
    }
    if (r < 0)
        warn(w, "results could not be written", err.text);
    sink_close(sink);
    writing_free(w);
    return 0;
}

static int copy_plan(const struct plan *plan, struct plan **ret)
{
    _cleanup_(buf_done)
    struct buf packed;
    struct err err;
    buf_init(&packed, PLAN_WHOLE_MAX);
    int r = plan_pack(plan, &packed);
    return r < 0 ? r : plan_unpack(packed.data, packed.len, false, ret, &err);
}

int writers_open(struct writers *w, struct transport *transport, const char *endpoint,
                 struct err *err)
{
    int r = link_open(transport,
                      &(struct link_options){.endpoint = endpoint, .silence_ns = INT64_MAX / 2},
                      &w->link, err);
    if (r < 0)
        return r;
    group_open(&w->group);
    w->is_open = true;
    return 0;
}

void writers_look(struct writers *w, struct server *server, uint64_t job)
{
    const struct plan *plan = server_job_plan(server, job);
    if (!w->is_open || !plan || !server_job_is_detached(server, job) ||
        (plan->sink.kind != SINK_FILE && plan->sink.kind != SINK_DIR))
        return;
    struct writing *writing = calloc(1, sizeof(*writing));
    if (!writing)
        return;
    *writing = (struct writing){.writers = w, .job = job};
    int r = copy_plan(plan, &writing->plan);
    if (r == 0)
        r = group_spawn(&w->group, "writer", write_sink, writing);
    if (r < 0) {
        log_error("out of memory for a sink", "job=%llu", (unsigned long long)job);
        writing_free(writing);
    }
}

void writers_close(struct writers *w)
{
    if (!w->is_open)
        return;
    group_cancel(&w->group);
    group_wait(&w->group);
    link_close(w->link);
    w->is_open = false;
}
