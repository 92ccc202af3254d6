// Gives a core the events that another one was given (fanmill coordinator --record, sim_seeds
// --record) and verifies every invariant after each. usage: sim_replay [--quiet] FILE
//
// Prints the events and what the core answers; --quiet only the last line. Ends with 1 when the
// file can't be read, and by SIGABRT where an invariant breaks: the event's number comes after it.
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "coordinator/core/event_log.h"

struct kept_plan {
    struct kept_plan *next;
    struct plan *plan;
};

struct replay {
    bool quiet;
    int64_t begin;
    uint64_t events, actions;
    struct kept_plan *plans; // the core borrows them
};

// For the handler.
static uint64_t event_number;
static const char *event_text = "none";

static void on_abort(int number)
{
    (void)number;
    char text[100];
    int len = snprintf(text, sizeof(text), "at event %" PRIu64 ", %s\n", event_number, event_text);
    if (write(STDERR_FILENO, text, (size_t)len) < 0)
        _exit(1);
}

__attribute__((format(printf, 2, 3))) static void say(const struct replay *r, const char *fmt, ...)
{
    va_list ap;
    if (r->quiet)
        return;
    va_start(ap, fmt);
    vprintf(fmt, ap);
    va_end(ap);
}

static void print_event(const struct replay *r, const struct event *event, int64_t now)
{
    say(r, "%" PRIu64 " %.6f %s", r->events, (double)(now - r->begin) / 1e9,
        event_name(event->type));
    if (event->job)
        say(r, " job=%" PRIu64, event->job);
    if (event->worker)
        say(r, " worker=%" PRIx64, event->worker);
    switch (event->type) {
    case EV_SUBMIT:
        say(r, " name=%s steps=%zu", event->plan->name, event->plan->n_steps);
        break;
    case EV_FED:
        say(r, " chunks=%" PRIu64 " bytes=%zu", event->run->count, event->run->body.len);
        break;
    case EV_FED_END:
        say(r, " code=%d %s", event->fed_end.code, event->fed_end.text ? event->fed_end.text : "");
        break;
    case EV_WORKER_UP:
        say(r, " name=%s slots=%u", event->reg->name, event->reg->slots);
        break;
    case EV_WORKER_CREDIT:
        say(r, " window=%u bytes=%" PRIu64, event->credit.window_items, event->credit.window_bytes);
        break;
    case EV_RESULT: {
        const struct result *result = event->result.result;
        say(r, " job=%" PRIu64 " step=%u chunk=%" PRIu64 " attempt=%u %s seq=%" PRIu64 " bytes=%zu",
            result->job, result->step, result->chunk, result->attempt,
            result->more ? "part" : outcome_name(result->ending.outcome), event->result.seq,
            result->body_len);
        break;
    }
    case EV_RETURN:
        say(r, " step=%u chunks=%" PRIu64 "+%u", event->back.step, event->back.first,
            event->back.count);
        break;
    case EV_WORKER_DOWN:
        say(r, " %s", event->reason ? event->reason : "");
        break;
    case EV_STREAM_CREDIT:
        say(r, " items=%" PRIu64 " bytes=%" PRIu64, event->stream_credit.items,
            event->stream_credit.bytes);
        break;
    case EV_CANCEL:
        say(r, " mode=%u", event->cancel);
        break;
    case EV_FETCHED:
        say(r, " chunk=%" PRIu64 " code=%d", event->fetched.chunk, event->fetched.code);
        break;
    case EV_HOLD:
        say(r, " bytes=%" PRIu64, event->held_bytes);
        break;
    default:
        break;
    }
    say(r, "\n");
}

static void print_action(const struct replay *r, const struct action *action)
{
    say(r, "    %s job=%" PRIu64 " worker=%" PRIx64, action_name(action->type), action->job,
        action->worker);
    switch (action->type) {
    case ACT_STEP:
        say(r, " step=%u", action->step);
        break;
    case ACT_LEASE: {
        const struct lease *lease = &action->lease.lease;
        say(r, " step=%u chunks=%" PRIu64 "+%u attempt=%u", lease->step, lease->first, lease->count,
            lease->attempt);
        break;
    }
    case ACT_ACK:
        say(r, " seq=%" PRIu64, action->seq);
        break;
    case ACT_CANCEL:
        say(r, " mode=%u", action->mode);
        break;
    case ACT_ASIDE:
        say(r, " step=%u", action->aside->step);
        break;
    case ACT_DROP:
        say(r, " %s", action->reason);
        break;
    case ACT_WANT:
        say(r, " chunks=%" PRIu64 " bytes=%" PRIu64, action->want.chunks, action->want.bytes);
        break;
    case ACT_FETCH:
        say(r, " chunk=%" PRIu64, action->fetch.chunk);
        break;
    case ACT_DELIVER:
        say(r, " offset=%" PRIu64 " step=%u chunk=%" PRIu64 " %s bytes=%zu",
            action->delivery.offset, action->delivery.step, action->delivery.chunk,
            outcome_name(action->delivery.ending.outcome), action->delivery.bytes);
        break;
    case ACT_JOB_END:
        say(r, " ok=%" PRIu64 " failed=%" PRIu64 " unrun=%" PRIu64 " retries=%" PRIu64 " %s",
            action->summary->ok, action->summary->failed, action->summary->unrun,
            action->summary->retries, action->summary->text);
        break;
    default:
        break;
    }
    say(r, "\n");
}

static void keep_plan(struct replay *r, const struct plan *plan)
{
    struct kept_plan *kept = malloc(sizeof(*kept));
    if (!kept)
        abort();
    *kept = (struct kept_plan){.next = r->plans, .plan = (struct plan *)(uintptr_t)plan};
    r->plans = kept;
}

static int replay(struct replay *r, const void *data, size_t len, struct err *err)
{
    struct core_options options;
    struct event_log_reader reader;
    struct core *core;
    struct actions actions = {0};
    struct event event;
    int64_t now;
    int code = event_log_open(&reader, data, len, &options, err);
    if (code < 0)
        return code;
    if (core_new(&options, &core) < 0)
        abort();
    while ((code = event_log_next(&reader, &event, &now, err)) == 1) {
        if (event.type == EV_SUBMIT)
            keep_plan(r, event.plan);
        r->begin = r->begin ? r->begin : now;
        event_number = ++r->events;
        event_text = event_name(event.type);
        print_event(r, &event, now);
        core_handle(core, &event, now, &actions);
        core_check(core);
        r->actions += actions.len;
        for (size_t i = 0; i < actions.len; i++)
            print_action(r, &actions.list[i]);
        actions_clear(&actions);
    }
    bool cut = reader.cut;
    actions_done(&actions);
    core_free(core);
    event_log_close(&reader);
    printf("%" PRIu64 " events, %" PRIu64 " actions: every invariant holds%s\n", r->events,
           r->actions, cut ? "; the last entry is cut" : "");
    return code;
}

int main(int argc, char **argv)
{
    struct replay r = {.quiet = argc == 3 && strcmp(argv[1], "--quiet") == 0};
    struct err err = {0};
    struct stat st;
    if (argc != 2 + r.quiet) {
        fprintf(stderr, "usage: sim_replay [--quiet] FILE\n");
        return 2;
    }
    const char *path = argv[argc - 1];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) < 0) {
        perror(path);
        return 1;
    }
    void *data = mmap(NULL, (size_t)st.st_size + 1, PROT_READ, MAP_PRIVATE, fd, 0);
    if (data == MAP_FAILED) {
        perror(path);
        return 1;
    }
    sigaction(SIGABRT, &(struct sigaction){.sa_handler = on_abort, .sa_flags = (int)SA_RESETHAND},
              NULL);
    setvbuf(stdout, NULL, _IOLBF, 0);
    int code = replay(&r, data, (size_t)st.st_size, &err);
    for (struct kept_plan *kept; (kept = r.plans);) {
        r.plans = kept->next;
        plan_free(kept->plan);
        free(kept);
    }
    munmap(data, (size_t)st.st_size + 1);
    close(fd);
    if (code < 0)
        fprintf(stderr, "sim_replay: %s\n", err.text);
    return code < 0;
}
