// Any call here may block in a file system for as long as that likes: nothing but this job waits.
#include "cli/attendant/attendant.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "async/loop.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/signals.h"
#include "cli/attendant/confine.h"
#include "cli/follow/follow.h"
#include "client/feed.h"
#include "client/link.h"
#include "coordinator/server.h"
#include "pipelines/plan.h"
#include "pipelines/source/source.h"
#include "transport/zsock.h"

struct attending_process {
    const struct attendant *a;
    struct plan *plan;
    struct link *link;
    struct feed *feed;
    struct sink_writer *sink;
    int confine_error; // nothing may be opened
    struct err why_confined;
};

static int no_stdout(void *arg, const void *data, size_t len)
{
    (void)arg;
    (void)data;
    (void)len;
    return 0;
}

static int read_plan(int fd, struct plan **ret, struct err *err)
{
    _cleanup_(buf_done)
    struct buf packed;
    buf_init(&packed, PLAN_WHOLE_MAX);
    off_t len = lseek(fd, 0, SEEK_END);
    int r = len < 0 ? -errno : buf_reserve(&packed, (size_t)len);
    ssize_t n = r < 0 ? r : fd_pread_full(fd, packed.data, (size_t)len, 0);
    return n < 0 ? err_sys(err, (int)n, "the job")
                 : plan_unpack(packed.data, (size_t)n, false, ret, err);
}

static int say(const struct attending_process *p, enum attend_what what, int code,
               const struct err *why)
{
    struct msg_attend m = {.job = p->a->job, .what = what, .code = code, .total = UINT64_MAX};
    struct err err;
    if (what == ATTEND_SOURCE && code == 0)
        m.total = feed_total(p->feed);
    snprintf(m.text, sizeof(m.text), "%s", code < 0 ? why->text : "");
    return link_attend(p->link, &m, CLOCK_FOREVER, &err);
}

static int open_source(struct attending_process *p)
{
    struct source_reader *source = NULL;
    struct err err = {0};
    int r = p->confine_error ? err_set(&err, p->confine_error, "%s", p->why_confined.text)
                             : source_open(p->plan, &source, &err);
    if (r < 0 && p->a->over_network)
        confine_explain(p->a->confine, false, r, &err);
    if (r == 0) {
        r = feed_open(p->link, p->plan, source, &p->feed);
        if (r < 0)
            err_sys(&err, r, "the source");
        else
            p->feed->job = p->a->job;
    }
    int said = say(p, ATTEND_SOURCE, r, &err);
    return r < 0 ? r : said;
}

// 1: there is nothing to do.
static int open_sink(struct attending_process *p)
{
    struct err err = {0};
    int r = p->confine_error ? err_set(&err, p->confine_error, "%s", p->why_confined.text)
                             : sink_open(p->plan, no_stdout, NULL, &p->sink, &err);
    if (r < 0 && p->a->over_network)
        confine_explain(p->a->confine, true, r, &err);
    int said = say(p, ATTEND_SINK, r == 1 ? ATTEND_SKIP : r, &err);
    return r != 0 ? r : said;
}

// A file takes its place only when the job finished; what a folder has got stays.
static int finish_sink(struct attending_process *p, const struct follow *f, struct err *err)
{
    bool complete = !f->error && fate_is_whole(f->info.fate);
    if (f->sink_error)
        return f->sink_error;
    if (f->error)
        return err_sys(err, f->error, "the job's results");
    return complete || p->plan->sink.kind == SINK_DIR ? sink_finish(p->sink, err) : 0;
}

static int write_sink(struct attending_process *p)
{
    struct err err = {0};
    struct report report = {.plan = p->plan, .name = p->plan->name, .quiet = true};
    struct follow f = {.link = p->link,
                       .job = p->a->job,
                       .plan = p->plan,
                       .report = &report,
                       .sink = p->sink,
                       .sink_why = &err,
                       .no_signals = true};
    follow_run(&f);
    int r = finish_sink(p, &f, &err);
    p->sink = sink_close(p->sink);
    return say(p, ATTEND_WHOLE, r, &err);
}

static int attend(struct attending_process *p)
{
    int r = 0;
    p->plan->fences = p->a->confine->fences;
    if (p->a->over_network)
        p->confine_error = confine_to_roots(p->a->confine, &p->why_confined);
    if (p->a->needs & ATTEND_NEEDS_SOURCE)
        r = open_source(p);
    if (r == 0 && (p->a->needs & ATTEND_NEEDS_SINK)) {
        r = open_sink(p);
        if (r == 0)
            r = write_sink(p);
    } else if (r == 0) {
        r = feed_wait_over(p->feed);
    }
    return r;
}

static int main_task(void *arg)
{
    struct attending_process *p = arg;
    struct transport *transport = NULL;
    struct err err = {0};
    // The coordinator is alive as long as this process is.
    const struct link_options options = {
        .endpoint = p->a->endpoint, .silence_ns = INT64_MAX / 2, .session = p->a->session};
    int r = read_plan(p->a->plan_fd, &p->plan, &err);
    if (r == 0)
        r = transport_new(&transport, &err);
    if (r == 0)
        r = link_open(transport, &options, &p->link, &err);
    if (r == 0) {
        r = attend(p);
        if (link_check(p->link) < 0)
            err_set(&err, r, "%s", link_trouble(p->link));
    }
    // What the job has to know was said; this is what could not be.
    if (err.text[0])
        log_error("an attendant has lost its coordinator", "job=%llu reason=\"%s\"",
                  (unsigned long long)p->a->job, err.text);
    sink_close(p->sink);
    feed_close(p->feed);
    link_close(p->link);
    transport_free(transport);
    plan_free(p->plan);
    return r < 0 ? 1 : 0;
}

int attendant_main(const struct attendant *a)
{
    struct attending_process p = {.a = a};
    int status = loop_run(main_task, &p);
    close(a->plan_fd);
    return status < 0 ? 1 : status;
}
