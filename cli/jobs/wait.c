// `fanmill wait`: reads a stream to its end, but none of its records.
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "async/group.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/grow.h"
#include "cli/follow/follow.h"
#include "cli/jobs/ask.h"
#include "cli/jobs/commands.h"
#include "cli/text/show.h"
#include "cli/text/summary.h"

struct wait_command {
    struct connect connect;
    struct job_range jobs;
    int64_t timeout_ns;
    bool json;
    bool quiet;
    bool progress;
};

// Of a job that had ended when it was looked for, its end.
struct found_job {
    uint64_t id;
    int status; // -1: it had not ended
};

struct found_jobs {
    const struct wait_command *command;
    struct found_job *list;
    size_t n;
    bool no_memory;
};

static void show_end_of(const struct wait_command *c, const struct job_info *job);

static void note(void *arg, const void *row)
{
    struct found_jobs *found = arg;
    const struct job_info *job = row;
    const struct job_range *jobs = &found->command->jobs;
    bool ended = job->phase == PHASE_ENDED;
    // One that is attached ends with its client, which alone can wait for it.
    if (!job->detached && jobs->first != jobs->last)
        return;
    if (grow(found->list, found->n, 1) < 0) {
        found->no_memory = true;
        return;
    }
    if (ended)
        show_end_of(found->command, job);
    found->list[found->n++] = (struct found_job){job->id, ended ? follow_status_of(job) : -1};
}

static void found_jobs_done(struct found_jobs *found)
{
    free(found->list);
}

static void show_end_of(const struct wait_command *c, const struct job_info *job)
{
    if (c->json) {
        struct show_object object;
        show_put_job(show_begin(&object), job);
        show_end(&object, stdout);
    } else if (!c->quiet) {
        _cleanup_(buf_done)
        struct buf text = {0};
        const char *place = fate_is_whole(job->fate) ? job->sink : NULL;
        const char *why = job->fate == FATE_SINK ? "" : job_trouble(job);
        if (summary_put(&text, job, place) == 0)
            fprintf(stderr, "fanmill: job %" PRIu64 " (%s): %s: %.*s%s%s\n", job->id, job->name,
                    job_state_name(job), (int)text.len, (const char *)text.data, why[0] ? "; " : "",
                    why);
    }
}

// The exit status of the job's end, or negative errno.
static int wait_for(struct link *link, uint64_t job, int64_t deadline, const struct wait_command *c)
{
    const struct results_options options = {.job = job, .from = INT64_MAX / 2};
    struct report report = {.quiet = c->quiet,
                            .mode = c->progress ? PROGRESS_ALWAYS
                                    : c->json   ? PROGRESS_NEVER
                                                : PROGRESS_AUTO};
    struct results *results;
    struct result_record record;
    struct group group;
    int r = results_open(link, &options, &results);
    if (r < 0)
        return r;
    group_open(&group);
    r = report_start(&report, &group, link, job);
    while (r >= 0 && (r = results_next(results, deadline, &record)) == 1)
        ;
    report_stop(&report);
    group_cancel(&group);
    group_wait(&group);
    struct job_info info = *results_job(results);
    results_close(results, CANCEL_NONE, connect_deadline());
    if (r < 0)
        return r;
    show_end_of(c, &info);
    return follow_status_of(&info);
}

static int wait_all(struct link *link, void *arg)
{
    const struct wait_command *c = arg;
    _cleanup_(found_jobs_done)
    struct found_jobs found = {.command = c};
    const struct msg_query query = {
        .what = QUERY_JOBS, .first = c->jobs.first, .last = c->jobs.last};
    struct err err = {0};
    int64_t deadline = c->timeout_ns ? clock_after(clock_now(), c->timeout_ns) : CLOCK_FOREVER;
    int worst = EXIT_ALL_WELL;
    int r = link_query(link, &query, note, &found, connect_deadline(), &err);
    if (r == 0 && found.no_memory)
        r = err_set(&err, -ENOMEM, "out of memory");
    if (r < 0)
        return connect_failed(link, &err, r);
    if (found.n == 0 && c->jobs.first == c->jobs.last)
        return ask_no_job();
    for (size_t i = 0; i < found.n; i++) {
        const struct found_job *job = &found.list[i];
        r = job->status < 0 ? wait_for(link, job->id, deadline, c) : job->status;
        if (r == -ETIMEDOUT) {
            fprintf(stderr, "fanmill: job %" PRIu64 " has not finished in time; it goes on\n",
                    job->id);
            return ask_done(EXIT_TIMEOUT);
        }
        if (r == -ENOENT && c->jobs.first != c->jobs.last) {
            fprintf(stderr, "fanmill: job %" PRIu64 " was forgotten before its end was seen\n",
                    job->id);
            continue;
        }
        if (r < 0) {
            err_set(&err, r, "the job can't be waited for");
            return connect_failed(link, &err, r);
        }
        if (r > worst)
            worst = r;
    }
    return ask_done(worst);
}

static const struct arg flags[] = {
    {0, "timeout", SETS_DURATION(struct wait_command, timeout_ns), "TIME",
     "wait no longer than TIME; the job goes on"},
    {0, "progress", SETS_FLAG(struct wait_command, progress), NULL,
     "show how far the job is, as a line each second where no terminal is"},
    {0, "json", SETS_FLAG(struct wait_command, json), NULL,
     "print a JSON object for each finished job"},
    {'q', "quiet", SETS_FLAG(struct wait_command, quiet), NULL, "print nothing"},
    {0},
};
const struct args wait_args = {
    .usage = "[JOB] [--timeout TIME] [--progress]",
    .about = "Waits for jobs to finish, and says how each ended. JOB is " JOB_FORMS
             "; the default is last. On a terminal a line shows how far the job is.\n",
    .more = "Exit status: that of 'fanmill run', the highest of several jobs; 124 on timeout.\n",
    .tables = {CONNECT_TABLE(struct wait_command), {.list = flags}},
    .n_operands = 1};

int cli_wait(int argc, char **argv)
{
    struct wait_command c = {0};
    int status;
    return ask_parse("wait", &wait_args, &c, argc, argv, "last", &c.jobs, &status) != 0
               ? status
               : connect_run(&c.connect, wait_all, &c);
}
