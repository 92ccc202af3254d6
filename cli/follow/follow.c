#include "cli/follow/follow.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

#include "async/group.h"
#include "async/io.h"
#include "base/clock.h"
#include "cli/args/exit_code.h"
#include "cli/follow/connect.h"

#define CANCEL_NS (10 * NS_PER_S) // until it is answered

static void cancel(struct follow *f, enum verb verb)
{
    struct msg_control m = {.verb = verb, .first = f->job, .last = f->job};
    uint64_t n;
    struct err err;
    // When this fails, so does the stream, which says why.
    link_control(f->link, &m, &n, clock_after(loop_now(), CANCEL_NS), &err);
}

static void make_record(const struct follow *f, const struct result_record *r, char *worker,
                        struct record *ret)
{
    const struct record_entry *w = &r->head;
    bool is_ok = w->ending.outcome == OUTCOME_OK;
    memcpy(worker, w->worker, w->worker_len);
    worker[w->worker_len] = '\0';
    *ret = (struct record){.offset = r->offset,
                           .chunk = w->chunk,
                           .attempt = w->attempt,
                           .outcome = outcome_name(w->ending.outcome),
                           .step = w->step,
                           .exit = -1,
                           .error = w->error && !is_ok ? f->report->error : NULL,
                           .note = w->error && is_ok ? f->report->error : NULL,
                           .parts = r->parts,
                           .n_parts = r->n_parts,
                           .item_first = w->item_first,
                           .start_ns = w->start_ns,
                           .run_ns = w->ending.run_ns,
                           .maxrss_bytes = w->ending.maxrss_bytes,
                           .leftovers = w->ending.leftovers,
                           .worker = worker,
                           .errors = r->errors,
                           .n_errors = r->n_errors};
    switch (w->ending.outcome) {
    case OUTCOME_OK:
    case OUTCOME_EXIT:
    case OUTCOME_NOT_FOUND:
    case OUTCOME_NOT_RUNNABLE:
        ret->exit = w->ending.code;
        break;
    case OUTCOME_SIGNAL:
    case OUTCOME_CRASH:
        ret->signal = w->ending.code;
        break;
    default:
        ret->code = w->ending.code;
    }
    if (w->item_len > 0) {
        ret->item = (const char *)w->item;
        ret->item_len = w->item_len;
    }
}

static void fail_sink(struct follow *f, int code, const struct err *err)
{
    if (f->sink_error)
        return;
    f->sink_error = code;
    // A reader that went away, as `head` does, needs no message.
    if (f->sink_why)
        *f->sink_why = *err;
    else if (code != -EPIPE)
        report_say(f->report, "output could not be written: %s", err->text);
    if (f->ends_job)
        cancel(f, VERB_KILL);
}

static int write_record(struct follow *f, const struct result_record *r, struct err *err)
{
    char worker[PROTO_NAME_MAX];
    struct record record;
    if (!f->sink || f->sink_error)
        return 0;
    make_record(f, r, worker, &record);
    int w = sink_write(f->sink, &record, err);
    // What has come is shown before we wait for more.
    return w == 0 && !results_ready(f->results) ? sink_flush(f->sink, err) : w;
}

static int consume(struct follow *f)
{
    struct result_record r;
    int n;
    while ((n = results_next(f->results, f->deadline ? f->deadline : CLOCK_FOREVER, &r)) == 1) {
        struct err err = {0};
        report_record(f->report, &r);
        int w = write_record(f, &r, &err);
        if (w == -ECANCELED)
            return w;
        if (w < 0)
            fail_sink(f, w, &err);
        if ((f->sink_error && !f->ends_job) || r.offset + 1 == f->end)
            return 0;
    }
    return n;
}

// Commands are in groups of their own, which the terminal's Ctrl-Z does not reach. The signal has
// its default effect then: where nobody could continue us, the kernel lets it do nothing.
static void stand_still(struct follow *f)
{
    sigset_t stop;
    sigemptyset(&stop);
    sigaddset(&stop, SIGTSTP);
    report_hide(f->report);
    if (f->pause)
        f->pause(f->pause_arg, true);
    raise(SIGTSTP);
    sigprocmask(SIG_UNBLOCK, &stop, NULL); // here we stop
    sigprocmask(SIG_BLOCK, &stop, NULL);
    if (f->pause)
        f->pause(f->pause_arg, false);
}

static int watch_signals(void *arg)
{
    struct follow *f = arg;
    const int list[] = {SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2, SIGTSTP};
    struct signals signals;
    int number;
    int r = signals_open(list, sizeof(list) / sizeof(list[0]), &signals);
    if (r < 0)
        return r;
    while ((number = signals_next(&signals)) > 0) {
        if (number == SIGUSR1 || number == SIGUSR2) {
            if (number == SIGUSR1)
                report_ask(f->report);
            else
                report_toggle(f->report);
            continue;
        }
        if (number == SIGTSTP) {
            stand_still(f);
            continue;
        }
        if (!f->signal)
            f->signal = number;
        if (!f->ends_job) {
            scope_cancel(f->watching);
            continue;
        }
        bool again = f->cancels++ > 0;
        if (!f->report->quiet)
            report_say(f->report,
                       again ? "killing running chunks"
                             : "interrupted: ending running chunks; once more to kill them");
        cancel(f, again ? VERB_KILL : VERB_CANCEL);
    }
    signals_close(&signals);
    return 0;
}

static int watch_lost(void *arg)
{
    struct follow *f = arg;
    int r = event_flag_wait(&f->lost_flag);
    if (r == 0)
        cancel(f, VERB_KILL);
    return 0;
}

void follow_lost(struct follow *f)
{
    f->lost = true;
    event_flag_set(&f->lost_flag);
}

void follow_run(struct follow *f)
{
    const struct results_options options = {.job = f->job,
                                            .from = f->from,
                                            .window_items = FOLLOW_WINDOW_ITEMS,
                                            .window_bytes = FOLLOW_WINDOW_BYTES};
    struct scope watching;
    struct group group;
    int r = results_open(f->link, &options, &f->results);
    if (r < 0) {
        f->error = r;
        return;
    }
    f->report->quotes =
        f->sink && f->plan && f->plan->sink.kind == SINK_DIR && f->plan->sink.format == FORMAT_RAW;
    group_open(&group);
    f->watching = &watching;
    scope_enter(&watching, CLOCK_FOREVER);
    if (!f->no_signals)
        r = group_spawn(&group, "signals", watch_signals, f);
    if (r == 0)
        r = group_spawn(&group, "lost", watch_lost, f);
    if (r == 0)
        r = report_start(f->report, &group, f->link, f->job);
    if (r == 0)
        r = consume(f);
    scope_leave(&watching);
    report_stop(f->report);
    f->error = r == 0 || f->signal ? 0 : r;
    f->info = *results_job(f->results);
    results_close(f->results, CANCEL_NONE, clock_after(loop_now(), CANCEL_NS));
    f->results = NULL;
    group_cancel(&group);
    group_wait(&group);
}

int follow_status_of(const struct job_info *info)
{
    switch ((enum job_fate)info->fate) {
    case FATE_COMPLETE:
    case FATE_ENOUGH:
        return info->failed ? EXIT_CHUNK_FAILED : EXIT_ALL_WELL;
    case FATE_NOT_RUNNABLE:
        return info->first_code == 126 ? 126 : 127;
    case FATE_INTERNAL:
        return EXIT_FAULT;
    case FATE_TIMEOUT:
        return EXIT_TIMEOUT;
    case FATE_SINK:
        return EXIT_OUTPUT;
    default:
        return EXIT_ENDED_EARLY;
    }
}

int follow_status(const struct follow *f)
{
    if (f->sink_error)
        return f->sink_error == -EPIPE ? EXIT_SIGNAL + SIGPIPE : EXIT_OUTPUT;
    if (f->signal)
        return EXIT_SIGNAL + f->signal;
    if (f->lost)
        return EXIT_LOST;
    if (connect_lost(f->error))
        return EXIT_LOST;
    if (f->error == -ETIMEDOUT)
        return EXIT_TIMEOUT;
    if (f->error)
        return f->error == -ENOENT || f->error == -ESTALE || f->error == -EACCES ? EXIT_USAGE
                                                                                 : EXIT_FAULT;
    if (f->propagate && f->report->first_status)
        return f->report->first_status;
    return follow_status_of(&f->info);
}
