#include "cli/run/run.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "async/group.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "cli/args/args.h"
#include "cli/args/exit_code.h"
#include "cli/follow/follow.h"
#include "cli/follow/whereabouts.h"
#include "cli/run/dryrun.h"
#include "cli/run/embedded.h"
#include "cli/run/spooling.h"
#include "cli/text/count.h"
#include "client/feed.h"
#include "client/find.h"
#include "transport/zsock.h"
#include "worker/cpus.h"
#include "worker/jobserver.h"

#define SUBMIT_NS (60 * NS_PER_S)

struct run_state {
    const struct run_options *options;
    bool is_remote; // --connect or FANMILL_CONNECT
    struct access access;
    struct plan *plan;
    struct embedded embedded;
    struct hosts hosts;
    struct source_reader *source;
    struct sink_writer *sink;
    struct link *link;
    struct feed *feed;
    struct jobserver *offered;
    struct report report;
    struct follow follow;
};

static void on_lost(void *arg, const char *why)
{
    struct run_state *run = arg;
    report_say(&run->report, "%s", why);
    follow_lost(&run->follow);
}

static void on_say(void *arg, const char *text)
{
    struct run_state *run = arg;
    report_say(&run->report, "%s", text);
}

static void on_pause(void *arg, bool pause)
{
    struct run_state *run = arg;
    local_worker_pause(&run->embedded.worker, pause);
}

static uint64_t total_of(void *arg)
{
    return feed_total(arg);
}

static uint64_t bytes_of(void *arg, uint64_t *ret_chunks)
{
    return feed_bytes(arg, ret_chunks);
}

// The job goes to a coordinator elsewhere: --connect or FANMILL_CONNECT.
static bool is_remote(const struct run_options *o)
{
    const char *where = getenv("FANMILL_CONNECT");
    return !o->hosts.n && (o->connect.where || (where && where[0]));
}

static int submit(struct run_state *run, struct err *err)
{
    int r = feed_open(run->link, run->plan, take(run->source), &run->feed);
    if (r < 0)
        return err_sys(err, r, "can't submit the job");
    const struct submit_request s = {.plan = run->plan, .flags = SUBMIT_FEEDS, .feed = run->feed};
    return link_submit(run->link, &s, &run->follow.job, clock_after(loop_now(), SUBMIT_NS), err);
}

// A file takes its place only when it is complete: an old complete one is worth more.
// Whether the results are in their place.
static bool finish_sink(struct run_state *run, const char *place)
{
    struct follow *f = &run->follow;
    struct err err = {0};
    bool complete = !f->error && fate_is_whole(f->info.fate);
    if (f->sink_error)
        return false;
    if (!complete && run->plan->sink.kind == SINK_FILE) {
        report_say(&run->report, "%s was not written: the job did not finish", place);
        return false;
    }
    int r = sink_finish(run->sink, &err);
    if (r < 0) {
        f->sink_error = r;
        if (r != -EPIPE)
            report_say(&run->report, "output could not be written: %s", err.text);
    }
    return r == 0;
}

static int run_job(struct run_state *run)
{
    struct follow *f = &run->follow;
    char place[PATH_MAX];
    struct group group;
    struct err err = {0};
    group_open(&group);
    int r = run->is_remote ? 0 : embedded_attend(&run->embedded, &group, &err);
    if (r < 0)
        report_say(&run->report, "%s", err.text);
    run->report.total = total_of;
    run->report.fed = bytes_of;
    run->report.fed_arg = run->feed;
    if (r == 0)
        follow_run(f);
    run->embedded.ending = true;
    whereabouts_of(run->plan, place);
    bool is_whole = finish_sink(run, place);
    if (f->error && !f->lost)
        report_say(&run->report, "%s",
                   connect_lost(f->error) ? link_trouble(run->link) : strerror(-f->error));
    else if (f->info.fate == FATE_SOURCE || f->info.fate == FATE_INTERNAL)
        report_say(&run->report, "%s", f->info.text);
    if (f->sink_error != -EPIPE && !f->error)
        report_summary(&run->report, &f->info, is_whole ? place : NULL);
    group_cancel(&group);
    group_wait(&group);
    return r == -EINVAL || r == -ENOENT ? EXIT_USAGE : r < 0 ? EXIT_FAULT : follow_status(f);
}

static int main_task(void *arg)
{
    struct run_state *run = arg;
    struct transport *transport = NULL;
    struct err err = {0};
    int status = EXIT_FAULT;
    int r = transport_new(&transport, &err);
    if (r == 0)
        r = run->is_remote ? connect_link(transport, &run->access, &run->link, &err)
                           : embedded_start(&run->embedded, transport, &run->link, &err);
    if (r < 0 && run->is_remote)
        status = EXIT_LOST;
    run->follow.link = run->link;
    if (r == 0)
        r = submit(run, &err);
    if (r < 0 && run->is_remote && (connect_lost(r) || r == -EACCES))
        status = EXIT_LOST;
    if (r == 0)
        status = run_job(run);
    else
        fprintf(stderr, "fanmill: %s\n", err.text);
    feed_close(run->feed);
    link_close(run->link);
    if (!run->is_remote)
        embedded_stop(&run->embedded);
    transport_free(transport);
    return status;
}

static uint32_t choose_slots(const struct run_options *o, struct plan *plan)
{
    uint32_t slots = run_slots(o);
    // One worker does all the work, so its slots are what `parallelism` means.
    if (plan->parallelism && plan->parallelism < slots)
        slots = plan->parallelism;
    plan->parallelism = 0;
    return slots;
}

// An embedded run has one worker and will never have another.
static int check_resources(const struct plan *plan, uint32_t slots, struct err *err)
{
    long pages = sysconf(_SC_PHYS_PAGES);
    uint64_t memory = (uint64_t)(pages > 0 ? pages : 0) * (uint64_t)sysconf(_SC_PAGESIZE);
    for (size_t i = 0; i < plan->n_steps; i++) {
        const struct step *step = &plan->steps[i];
        if (step->cpus > slots)
            return err_set(err, -EINVAL,
                           "step %zu needs %g CPUs for a chunk, but this machine has %s (-j); for "
                           "other machines use --connect",
                           i + 1, step->cpus, count(slots, "slot").text);
        if (step->memory_bytes > memory)
            return err_set(err, -EINVAL,
                           "step %zu needs %" PRIu64 " MiB of memory for a chunk, but this machine "
                           "has %" PRIu64 " MiB",
                           i + 1, step->memory_bytes >> 20, memory >> 20);
        if (step->gpus > 0)
            return err_set(err, -EINVAL,
                           "step %zu needs GPUs: only workers started with --gpus have them; use "
                           "--connect",
                           i + 1);
        if (step->n_labels > 0)
            return err_set(err, -EINVAL,
                           "step %zu needs '%s': only workers started with --labels %s have it; "
                           "use --connect",
                           i + 1, step->labels[0].name, step->labels[0].name);
    }
    return 0;
}

// We take part in one that make offers, whether or not --jobserver asks for one.
static int join_jobserver(struct run_state *run, uint32_t slots)
{
    const struct run_options *o = run->options;
    run->embedded.jobserver = o->jobserver;
    if (o->jobserver || !o->offers)
        return 0;
    int r = jobserver_offer(slots, &run->offered);
    run->embedded.jobserver = run->offered;
    errno = -r;
    return r;
}

static int prepare_hosts(struct run_state *run, struct err *err)
{
    const struct run_options *o = run->options;
    if (o->connect.where)
        return err_set(err, -EINVAL,
                       "--host and --connect don't go together; to start workers of a running "
                       "coordinator: fanmill worker deploy-ssh");
    run->embedded.hosts = &run->hosts;
    run->embedded.slots = o->slots;
    int r = hosts_parse(&run->hosts, o->hosts.list, o->hosts.n, err);
    if (r < 0)
        return r;
    if (o->slots)
        run->plan->parallelism = 0; // -j is for each machine
    uint32_t here = run->hosts.slots ? run->hosts.slots : run_slots(o);
    return embedded_prepare(&run->embedded, here, err);
}

static int prepare(struct run_state *run, struct err *err)
{
    const struct connect *connect = &run->options->connect;
    if (run->options->hosts.n)
        return prepare_hosts(run, err);
    if (!run->is_remote) {
        uint32_t slots = choose_slots(run->options, run->plan);
        run->report.slots = slots;
        if (join_jobserver(run, slots) < 0)
            return err_set(err, -EIO, "can't make a jobserver: %s", strerror(errno));
        int r = check_resources(run->plan, slots, err);
        return r < 0 ? r : embedded_prepare(&run->embedded, slots, err);
    }
    return find_coordinator_soon(connect->where, connect->key, &run->access, err);
}

static void abandon(struct run_state *run)
{
    if (!run->is_remote)
        embedded_abandon(&run->embedded);
}

static int start(struct run_state *run)
{
    char place[PATH_MAX];
    struct err err = {0};
    int status = run->is_remote ? EXIT_LOST : EXIT_FAULT;
    int r = prepare(run, &err);
    if (r < 0) {
        fprintf(stderr, "fanmill: %s\n", err.text);
        hosts_done(&run->hosts);
        return r == -EINVAL ? EXIT_USAGE : status;
    }
    status = EXIT_USAGE;
    r = source_open(run->plan, &run->source, &err);
    if (r == 0) {
        status = EXIT_OUTPUT;
        r = sink_open(run->plan, report_stdout, &run->report, &run->sink, &err);
    }
    run->follow.sink = run->sink;
    if (r == 1) {
        whereabouts_of(run->plan, place);
        if (!run->options->report.quiet)
            fprintf(stderr, "fanmill: '%s' exists already: nothing to do (if_exists: skip)\n",
                    place);
        status = EXIT_ALL_WELL;
        abandon(run);
    } else if (r == 0) {
        status = loop_run(main_task, run);
        if (status < 0)
            status = EXIT_FAULT;
    } else {
        fprintf(stderr, "fanmill: %s\n", err.text);
        abandon(run);
    }
    source_close(run->source);
    sink_close(run->sink);
    access_done(&run->access);
    hosts_done(&run->hosts);
    return status;
}

const struct arg run_flags[] = {
    {0, "dry-run", SETS_FLAG(struct run_options, dry_run), NULL,
     "print the commands instead of running them"},
    {0, "host", SETS_LIST(struct run_options, hosts), "HOSTS",
     "run on these hosts by ssh: [user@]host[:port][/slots],...; @FILE lists hosts, : is this "
     "machine"},
    {0, "jobserver", SETS_FLAG(struct run_options, offers), NULL,
     "offer a jobserver, so that make or ninja in a chunk share the slots"},
    {0, "propagate", SETS_FLAG(struct run_options, propagate), NULL,
     "exit with the status of the first failed chunk"},
    {0},
};

uint32_t run_slots(const struct run_options *o)
{
    return o->slots ? o->slots : cpus_available();
}

void run_begin(struct run_options *o)
{
    o->joined = jobserver_join(getenv("MAKEFLAGS"), &o->jobserver);
}

void run_end(struct run_options *o)
{
    o->jobserver = jobserver_free(o->jobserver);
}

int run_check(const char *command, struct run_options *o, int *ret_status)
{
    if (o->offers && (is_remote(o) || o->hosts.n)) {
        *ret_status =
            args_mistake(command, "--jobserver is only for runs on this machine, not with %s",
                         o->hosts.n ? "--host" : "--connect");
        return -EINVAL;
    }
    return spool_check(command, &o->spool, ret_status);
}

int run_plan(struct plan *plan, const struct run_options *o)
{
    struct run_state run = {
        .options = o, .embedded = EMBEDDED_INIT, .is_remote = is_remote(o), .plan = plan};
    int status;
    log_set_level(o->report.verbose > 1 ? LOG_DEBUG : o->report.verbose ? LOG_INFO : LOG_WARN);
    if (o->joined < 0)
        log_info("can't reach make's jobserver: prefix the recipe line with '+'", "reason=\"%s\"",
                 strerror(-o->joined));
    run.report = report_of(plan, &o->report);
    run.embedded.spool_directory = o->spool.directory;
    run.embedded.spool_bytes = o->spool.bytes;
    run.embedded.lost = on_lost;
    run.embedded.say = on_say;
    run.embedded.arg = &run;
    run.follow = (struct follow){.plan = plan,
                                 .report = &run.report,
                                 .ends_job = true,
                                 .propagate = o->propagate,
                                 .pause = on_pause,
                                 .pause_arg = &run};
    status = o->dry_run ? dry_run(plan, run_slots(o)) : start(&run);
    jobserver_free(run.offered);
    plan_free(plan);
    return status;
}
