// `fanmill run`: a coordinator in this process, a worker process beside it, the job, its sink.
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "async/group.h"
#include "async/io.h"
#include "base/cleanup.h"
#include "base/fd.h"
#include "base/log.h"
#include "cli/command.h"
#include "cli/local.h"
#include "cli/options.h"
#include "cli/report.h"
#include "cli/status.h"
#include "coordinator/server.h"
#include "pipelines/load.h"
#include "pipelines/sink.h"
#include "transport/zsock.h"
#include "worker/cpus.h"

static const char help[] =
    "Usage: fanmill run [-j N] [-p NAME=VALUE]... [-q | -v] JOB.yaml\n"
    "\n"
    "Runs a job on this machine: a worker process with N slots beside this one, no daemon, "
    "nothing\n"
    "left behind. Results go to the job's sink, standard output by default.\n"
    "\n"
    "  -j, --slots N            chunks that run at once; default: the CPUs this process may use\n"
    "  -p, --param NAME=VALUE   set a parameter of the job\n"
    "  -q, --quiet              no failures, no progress, no last line\n"
    "  -v, --verbose            every failure, and what happens\n"
    "      --color WHEN         auto, always or never\n"
    "\n"
    "Ctrl-C once ends what runs (TERM, 5 s later KILL), twice kills it.\n"
    "\n"
    "Exit status: 0 all well, 1 some chunk failed, 2 usage or job file, 3 the worker was lost,\n"
    "4 ended early, 5 output could not be written, 125 a fault in fanmill, 126 or 127 a command\n"
    "could not be run or was not found, 128+N ended by signal N.\n";

struct run_state {
    const struct options *options;
    struct plan *plan;
    struct localdir dir;
    struct local_worker worker;
    struct source_reader *source;
    struct sink_writer *sink;
    struct server *server;
    struct server_job *job;
    struct report report;
    bool ending;     // the job is over; a worker that leaves is no surprise
    bool lost;       // the worker died
    int signal;      // that ended us
    int sink_error;  // negative errno
    uint32_t cancel; // signals so far
};

static int write_stdout(void *arg, const void *data, size_t len)
{
    (void)arg;
    return io_write(STDOUT_FILENO, data, len);
}

static void make_record(const struct plan *plan, const struct delivery *d, char *item, size_t size,
                        struct record *ret)
{
    report_item_name(plan, d, item, size);
    *ret = (struct record){.offset = d->offset,
                           .chunk = d->chunk,
                           .attempt = d->attempt,
                           .outcome = outcome_name((enum outcome)d->outcome),
                           .code = d->code,
                           .error = d->error,
                           .parts = d->parts,
                           .n_parts = d->n_parts,
                           .run_ns = d->run_ns,
                           .maxrss_bytes = d->maxrss_bytes,
                           .worker = "local",
                           .stderr_text = (const char *)d->stderr_text.data,
                           .stderr_len = d->stderr_text.len};
    if (d->item.len > 0) {
        ret->item = (const char *)d->item.data;
        ret->item_len = d->item.len;
    } else if (item[0]) {
        ret->item = item;
        ret->item_len = strlen(item);
    }
}

static void fail_sink(struct run_state *run, int code, const struct err *err)
{
    if (run->sink_error)
        return;
    run->sink_error = code;
    // A reader that went away, as `head` does, is no news.
    if (code != -EPIPE)
        report_say(&run->report, "output could not be written: %s", err->text);
    server_job_cancel(run->job, CANCEL_KILL);
}

static int consume(struct run_state *run)
{
    struct delivery *d;
    int r;
    while ((r = server_job_next(run->job, &d)) == 1) {
        char item[64];
        struct record record;
        struct err err = {0};
        report_record(&run->report, d);
        make_record(run->plan, d, item, sizeof item, &record);
        int w = run->sink_error ? 0 : sink_write(run->sink, &record, &err);
        server_delivery_free(d);
        // What is there is shown before we wait for more.
        if (w == 0 && !run->sink_error && !server_job_ready(run->job))
            w = sink_flush(run->sink, &err);
        if (w == -ECANCELED)
            return w;
        if (w < 0)
            fail_sink(run, w, &err);
    }
    return r;
}

static int watch_signals(void *arg)
{
    struct run_state *run = arg;
    const int list[] = {SIGINT, SIGTERM, SIGHUP};
    struct signals signals;
    int number;
    int r = signals_open(list, sizeof list / sizeof list[0], &signals);
    if (r < 0)
        return r;
    while ((number = signals_next(&signals)) > 0) {
        if (!run->signal)
            run->signal = number;
        bool again = run->cancel++ > 0;
        if (!run->options->quiet)
            report_say(&run->report, again ? "killing what still runs"
                                           : "interrupted: ending what runs; once more kills it");
        server_job_cancel(run->job, again ? CANCEL_KILL : CANCEL_RUNNING);
    }
    signals_close(&signals);
    return 0;
}

static void describe_death(int status, char *text, size_t size)
{
    if (WIFSIGNALED(status)) {
        const char *name = sigabbrev_np(WTERMSIG(status));
        snprintf(text, size, "killed by signal %d (%s%s)", WTERMSIG(status), name ? "SIG" : "",
                 name ? name : "unknown");
    } else
        snprintf(text, size, "ended with status %d", WEXITSTATUS(status));
}

static int watch_worker(void *arg)
{
    struct run_state *run = arg;
    char reason[64];
    int status;
    pid_t pid = run->worker.pid;
    int r = child_wait(pid, &status);
    if (r < 0)
        return r == -ECANCELED ? 0 : r;
    run->worker.pid = 0;
    if (run->ending)
        return 0;
    describe_death(status, reason, sizeof reason);
    run->lost = true;
    report_say(&run->report, "the worker process (pid %d) was lost: %s", (int)pid, reason);
    server_worker_died(run->server, pid, reason);
    server_job_cancel(run->job, CANCEL_KILL);
    return 0;
}

static void on_worker_gone(void *arg, uint64_t worker, const char *reason)
{
    struct run_state *run = arg;
    (void)worker;
    if (run->ending || run->lost || !run->job)
        return;
    run->lost = true;
    report_say(&run->report, "the worker was lost: %s", reason);
    server_job_cancel(run->job, CANCEL_KILL);
}

static int choose_status(const struct run_state *run, const struct job_summary *summary)
{
    if (run->sink_error)
        return run->sink_error == -EPIPE ? EXIT_SIGNAL + SIGPIPE : EXIT_OUTPUT;
    if (run->signal)
        return EXIT_SIGNAL + run->signal;
    if (run->lost)
        return EXIT_LOST;
    switch (summary->end) {
    case END_COMPLETE:
        return summary->failed ? EXIT_CHUNK_FAILED : EXIT_ALL_WELL;
    case END_NOT_RUNNABLE:
        return summary->first_code == 126 ? 126 : 127;
    case END_INTERNAL:
        return EXIT_FAULT;
    case END_CANCELLED:
    case END_MAX_FAILURES:
    case END_SOURCE:
        break;
    }
    return EXIT_ENDED_EARLY;
}

static int finish(struct run_state *run)
{
    struct job_summary summary;
    struct err err = {0};
    uint64_t running;
    run->ending = true;
    report_stop(&run->report);
    server_job_summary(run->job, &summary, &running);
    // A file takes its place only when it holds all there is: an old complete one is worth more.
    bool keep = summary.end == END_COMPLETE || run->plan->sink.kind != SINK_FILE;
    if (keep && !run->sink_error) {
        int r = sink_finish(run->sink, &err);
        if (r < 0)
            fail_sink(run, r, &err);
    } else if (!keep) {
        report_say(&run->report, "%s was not written: the job did not come to its end",
                   run->plan->sink.path);
    }
    if (summary.end == END_SOURCE || summary.end == END_INTERNAL)
        report_say(&run->report, "%s", summary.text);
    if (run->sink_error != -EPIPE)
        report_summary(&run->report, &summary);
    return choose_status(run, &summary);
}

static int run_job(struct run_state *run)
{
    struct group group;
    group_open(&group);
    int r = group_spawn(&group, "signals", watch_signals, run);
    if (r == 0)
        r = group_spawn(&group, "worker", watch_worker, run);
    report_start(&run->report);
    if (r == 0)
        r = consume(run);
    int status = finish(run);
    group_cancel(&group);
    group_wait(&group);
    return r < 0 && status == EXIT_ALL_WELL ? EXIT_FAULT : status;
}

static int main_task(void *arg)
{
    struct run_state *run = arg;
    struct transport *transport = NULL;
    struct err err = {0};
    int status = EXIT_FAULT;
    const struct server_options options = {
        .endpoint = run->dir.endpoint, .worker_gone = on_worker_gone, .arg = run};
    int r = transport_new(&transport, &err);
    if (r == 0)
        r = server_open(transport, &options, &run->server, &err);
    if (r == 0) {
        local_worker_go(&run->worker);
        r = server_submit(run->server, run->plan, take(run->source), &run->job, &err);
    }
    if (r == 0) {
        run->report.job = run->job;
        status = run_job(run);
    } else {
        fprintf(stderr, "fanmill: %s\n", err.text);
    }
    run->ending = true;
    server_job_close(run->job);
    server_close(run->server);
    local_worker_stop(&run->worker);
    transport_free(transport);
    return status;
}

static uint32_t choose_slots(const struct options *o, struct plan *plan)
{
    uint32_t slots = o->slots ? o->slots : cpus_available();
    // One worker does all the work, so its slots are what `parallelism` means.
    if (plan->parallelism && plan->parallelism < slots)
        slots = plan->parallelism;
    plan->parallelism = 0;
    return slots;
}

static int start(struct run_state *run)
{
    struct err err = {0};
    int r = localdir_make(&run->dir, &err);
    if (r < 0) {
        fprintf(stderr, "fanmill: %s\n", err.text);
        return EXIT_FAULT;
    }
    int status = EXIT_FAULT;
    r = local_worker_start(&run->dir, choose_slots(run->options, run->plan), &run->worker, &err);
    if (r == 0) {
        status = EXIT_USAGE;
        r = source_open(run->plan, &run->source, &err);
    }
    if (r == 0) {
        status = EXIT_OUTPUT;
        r = sink_open(run->plan, write_stdout, run, &run->sink, &err);
    }
    if (r == 1) {
        if (!run->options->quiet)
            fprintf(stderr, "fanmill: '%s' is there already: nothing to do (if_exists: skip)\n",
                    run->plan->sink.path);
        status = EXIT_ALL_WELL;
        local_worker_abandon(&run->worker);
    } else if (r == 0) {
        status = loop_run(main_task, run);
        if (status < 0)
            status = EXIT_FAULT;
    } else {
        fprintf(stderr, "fanmill: %s\n", err.text);
        local_worker_abandon(&run->worker);
    }
    source_close(run->source);
    sink_close(run->sink);
    localdir_remove(&run->dir);
    return status;
}

int cli_run(int argc, char **argv)
{
    _cleanup_(options_done)
    struct options o = {0};
    _cleanup_(load_report_done)
    struct load_report report = {0};
    if (options_parse(&o, "run", 1, argc, argv) < 0)
        return EXIT_USAGE;
    if (o.help) {
        fputs(help, stdout);
        return fflush(stdout) == 0 ? EXIT_ALL_WELL : EXIT_OUTPUT;
    }
    log_set_level(o.verbose > 1 ? LOG_DEBUG : o.verbose ? LOG_INFO : LOG_WARN);
    struct run_state run = {.options = &o, .worker.lifeline = -1};
    const struct load_options load = {
        .params = o.params, .n_params = o.n_params, .parallelism = o.slots};
    int r = load_file(o.files[0], &load, &run.plan, &report);
    fd_write_all(STDERR_FILENO, report.text.data, report.text.len);
    if (r < 0)
        return EXIT_USAGE;
    run.report = (struct report){.plan = run.plan,
                                 .quiet = o.quiet,
                                 .verbose = o.verbose > 0,
                                 .color = options_use_color(&o)};
    int status = start(&run);
    plan_free(run.plan);
    return status;
}
