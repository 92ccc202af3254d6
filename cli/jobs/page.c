#include "cli/jobs/page.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/utf8.h"
#include "cli/follow/connect.h"
#include "cli/jobs/tables.h"
#include "cli/text/count.h"
#include "cli/text/fill.h"
#include "cli/text/show.h"
#include "client/results.h"

#define LABEL 12u                // columns of what stands on the left
#define LOOK_RECORDS 100000u     // read in search of failures
#define LOOK_BYTES (64ull << 20) // of their results

struct page {
    struct buf out;
    size_t columns;
    int error; // sticky
};

static void note(struct page *p, int r)
{
    if (p->error == 0)
        p->error = r;
}

// "label       text", the text in lines of its own width.
static void put(struct page *p, const char *label, struct buf *text)
{
    note(p, buf_add(text, "", 1));
    if (p->error < 0)
        return;
    utf8_make_harmless((char *)text->data, text->len - 1);
    note(p, buf_printf(&p->out, "%-*s", (int)LABEL, label));
    note(p, fill_to(&p->out, (const char *)text->data, LABEL, LABEL, p->columns));
    buf_clear(text);
}

static void put_submitted(struct page *p, const struct job_info *job, struct buf *text)
{
    char when[64], ago[SHOW_DURATION_MAX];
    time_t seconds = (time_t)(job->created_ms / 1000);
    struct tm local;
    localtime_r(&seconds, &local);
    strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S", &local);
    show_duration(job_age(job), ago, sizeof(ago));
    note(p, buf_printf(text, "%s, %s ago", when, ago));
    if (job->owner[0])
        note(p, buf_printf(text, ", by %s", job->owner));
    put(p, "submitted", text);
}

// "1280: 412 ok, 2 failed, 8 running, 858 waiting"
static void put_chunks(struct page *p, const struct job_info *job, struct buf *text)
{
    uint64_t uncut =
        job->total != UINT64_MAX && job->total > job->chunks ? job->total - job->chunks : 0;
    const struct {
        uint64_t n;
        const char *what;
    } parts[] = {{job->ok, "ok"},
                 {job->failed, "failed"},
                 {job->running, "running"},
                 {job->leased, "at workers, not begun"},
                 {job->waiting + uncut, "waiting"},
                 {job->cancelled, "cancelled"},
                 {job->unrun, "not run"}};
    const char *between = ": ";
    note(p, buf_printf(text, "%" PRIu64 "%s", job->chunks + uncut,
                       job->total == UINT64_MAX && job->phase != PHASE_ENDED ? " so far" : ""));
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        if (!parts[i].n)
            continue;
        note(p, buf_printf(text, "%s%" PRIu64 " %s", between, parts[i].n, parts[i].what));
        between = ", ";
    }
    if (job->retries)
        note(p, buf_printf(text, "; %s repeated", count(job->retries, "attempt").text));
    put(p, "chunks", text);
}

static void put_results(struct page *p, const struct job_info *job, struct buf *text)
{
    bool ended = job->phase == PHASE_ENDED;
    if (!job->detached)
        note(p, buf_add_str(text, "go to the client that submitted it"));
    else if (job->sink[0])
        note(p, buf_printf(text, "%s%s", job->sink,
                           ended && fate_is_whole(job->fate) ? "" : " (not complete)"));
    else
        note(p, buf_printf(text, "%s%s: fanmill results %" PRIu64,
                           count(job->records, "record").text, ended ? "" : " so far", job->id));
    put(p, "results", text);
}

static void put_failure(struct page *p, const struct record_entry *entry, struct buf *text,
                        const char *label)
{
    note(p, buf_printf(text, "chunk %" PRIu64, entry->chunk + 1));
    if (entry->step)
        note(p, buf_printf(text, " of step %u", entry->step + 1));
    if (entry->item_len)
        note(p, buf_printf(text, " ('%.*s')", entry->item_len < 100 ? (int)entry->item_len : 100,
                           (const char *)entry->item));
    note(p, buf_printf(text, ": %.*s", (int)entry->error_len, entry->error ? entry->error : ""));
    put(p, label, text);
}

// Failures are found where they are in the stream; what is far from its beginning is not looked
// for.
static int put_failures(struct page *p, struct link *link, const struct job_info *job,
                        struct buf *text)
{
    const struct results_options options = {.job = job->id};
    struct results *results;
    struct result_record record;
    uint64_t bytes = 0;
    int found = 0;
    int64_t deadline = connect_deadline();
    if (!job->detached || results_open(link, &options, &results) < 0)
        return 0;
    for (uint64_t n = 0; n < job->records && n < LOOK_RECORDS && bytes < LOOK_BYTES &&
                         found < PAGE_FAILURES_MAX && (uint64_t)found < job->failed;
         n++) {
        if (results_next(results, deadline, &record) != 1)
            break;
        bytes += record.bytes;
        if (record.head.ending.outcome != OUTCOME_OK && record.head.error)
            put_failure(p, &record.head, text, found++ ? "" : "failures");
    }
    results_close(results, CANCEL_NONE, connect_deadline());
    return found;
}

static void put_command(struct page *p, const char *label, const char *command, uint64_t job,
                        const char *flag, const char *why)
{
    char text[64];
    snprintf(text, sizeof(text), "fanmill %s %" PRIu64 "%s", command, job, flag);
    if (p->columns < 70)
        note(p, buf_printf(&p->out, "%-*s%s\n", (int)LABEL, label, text));
    else
        note(p, buf_printf(&p->out, "%-*s%-28s %s\n", (int)LABEL, label, text, why));
}

static void put_next(struct page *p, const struct job_info *job)
{
    if (job->phase != PHASE_ENDED) {
        if (job->waits != WAIT_NONE)
            put_command(p, "next", "explain", job->id, "", "why nothing of it runs");
        else
            put_command(p, "next", "status", job->id, " --running", "which chunks run, and where");
        put_command(p, "", "wait", job->id, " --progress", "wait until it has ended");
        put_command(p, "", "cancel", job->id, "", "end it");
        return;
    }
    if (!job->detached)
        return;
    if (job->failed) {
        put_command(p, "next", "logs", job->id, "", "what failed, and what it wrote");
        put_command(p, "", "retry", job->id, " --failed", "run what failed again");
    } else if (!fate_is_whole(job->fate)) {
        put_command(p, "next", "retry", job->id, "", "run it again, as a new job");
    } else if (!job->sink[0]) {
        put_command(p, "next", "results", job->id, "", "write its results");
    } else {
        put_command(p, "next", "logs", job->id, "", "what its chunks wrote to standard error");
    }
    put_command(p, "", "forget", job->id, "", "drop it and its results");
}

int page_print(struct link *link, const struct job_info *job, size_t columns)
{
    _cleanup_(buf_done)
    struct buf text = {0};
    struct page p = {.columns = columns > 2 * LABEL ? columns : 2 * LABEL};
    char time[SHOW_DURATION_MAX], label[32];
    snprintf(label, sizeof(label), "job %" PRIu64, job->id);
    note(&p, buf_printf(&text, "%s: %s", job->name, job_state_name(job)));
    put(&p, label, &text);
    put_submitted(&p, job, &text);
    show_elapsed(job->age_ns, time);
    note(&p, buf_printf(&text, "%s%s", time, job->phase == PHASE_ENDED ? "" : " so far"));
    put(&p, "time", &text);
    put_chunks(&p, job, &text);
    if (job->phase != PHASE_ENDED && job_wait_name(job)) {
        note(&p, buf_printf(&text, "%s%s%s", job_wait_name(job), job->needs[0] ? ": " : "",
                            job->needs));
        put(&p, "waits for", &text);
    }
    put_results(&p, job, &text);
    int found = job->failed ? put_failures(&p, link, job, &text) : 0;
    if (!found && job->text[0]) {
        note(&p, buf_add_str(&text, job->text));
        put(&p, job->failed ? "failure" : "because", &text);
    } else if (found && (uint64_t)found < job->failed) {
        note(&p, buf_printf(&text, "and %" PRIu64 " more", job->failed - (uint64_t)found));
        put(&p, "", &text);
    }
    put_next(&p, job);
    if (p.error == 0)
        fwrite(p.out.data, 1, p.out.len, stdout);
    buf_done(&p.out);
    return p.error;
}
