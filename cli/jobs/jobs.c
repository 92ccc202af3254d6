// Commands about jobs of a running coordinator: cancel, retry, forget, explain.
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/grow.h"
#include "cli/jobs/ask.h"
#include "cli/jobs/commands.h"
#include "cli/text/show.h"

struct jobs_command {
    struct connect connect;
    struct job_range jobs;
    bool json;
    bool quiet;
    bool kills;
    bool failed_only;
    const char *user;   // whose jobs of several; "all"; NULL: one's own
    const char *chunks; // "3,7-9"; NULL: all
    struct chunk_range ranges[PROTO_RANGES_MAX];
    uint32_t n_ranges;
    uint64_t rows; // seen so far
};

// Reads the command line and does the command's work on a link.
static int ask(const char *command, const struct args *args, int argc, char **argv,
               const char *other, connect_fn *work)
{
    struct jobs_command c = {0};
    int status;
    return ask_parse(command, args, &c, argc, argv, other, &c.jobs, &status) != 0
               ? status
               : connect_run(&c.connect, work, &c);
}

// ---- queries

static void show_line(void *arg, const void *row)
{
    struct jobs_command *c = arg;
    const struct line_info *line = row;
    c->rows++;
    if (c->json) {
        struct show_object object;
        show_put_line(show_begin(&object), line);
        show_end(&object, stdout);
    } else {
        printf("%s\n", line->text);
    }
}

static int explain(struct link *link, void *arg)
{
    struct jobs_command *c = arg;
    const struct msg_query query = {
        .what = QUERY_EXPLAIN, .first = c->jobs.first, .last = c->jobs.last};
    struct err err = {0};
    int r = link_query(link, &query, show_line, c, connect_deadline(), &err);
    if (r < 0)
        return connect_failed(link, &err, r);
    return c->rows == 0 ? ask_no_job() : ask_done(EXIT_ALL_WELL);
}

static const struct arg explain_flags[] = {
    {0, "json", SETS_FLAG(struct jobs_command, json), NULL, "print a JSON object for each reason"},
    {0},
};
const struct args explain_args = {
    .usage = "[JOB] [--json]",
    .about = "Explains why chunks of a job are not running now. The default is the last job.\n",
    .tables = {CONNECT_TABLE(struct jobs_command), {.list = explain_flags}},
    .n_operands = 1};

int cli_explain(int argc, char **argv)
{
    return ask("explain", &explain_args, argc, argv, "last", explain);
}

// ---- control

// "3,7-9", from 1. False: a mistake, which was told.
static bool read_chunks(const char *command, struct jobs_command *c)
{
    const char *at = c->chunks ? c->chunks : "";
    if (c->chunks && c->jobs.first != c->jobs.last) {
        args_mistake(command, "--chunks is for one job");
        return false;
    }
    while (*at) {
        char *end = NULL;
        errno = 0;
        uint64_t first = *at >= '1' && *at <= '9' ? strtoull(at, &end, 10) : 0, last = first;
        if (first && *end == '-')
            last = end[1] >= '1' && end[1] <= '9' ? strtoull(end + 1, &end, 10) : 0;
        if (!first || last < first || errno || (*end && *end != ',') || (*end && !end[1])) {
            args_mistake(command, "--chunks '%s': numbers from 1, such as 3,7-9", c->chunks);
            return false;
        }
        if (c->n_ranges == PROTO_RANGES_MAX) {
            args_mistake(command, "--chunks: at most %u numbers and ranges", PROTO_RANGES_MAX);
            return false;
        }
        c->ranges[c->n_ranges++] = (struct chunk_range){first - 1, last - 1};
        at = *end ? end + 1 : end;
    }
    return true;
}

static int control(struct link *link, const struct jobs_command *c, enum verb verb,
                   uint64_t *ret_value)
{
    struct msg_control m = {
        .verb = verb, .first = c->jobs.first, .last = c->jobs.last, .n_chunks = c->n_ranges};
    struct err err = {0};
    memcpy(m.chunks, c->ranges, sizeof(m.chunks));
    snprintf(m.name, sizeof(m.name), "%s",
             !c->user                      ? ""
             : strcmp(c->user, "all") == 0 ? "*"
                                           : c->user);
    int r = link_control(link, &m, ret_value, connect_deadline(), &err);
    return r < 0 ? connect_failed(link, &err, r) : EXIT_ALL_WELL;
}

static int cancel(struct link *link, void *arg)
{
    const struct jobs_command *c = arg;
    uint64_t n = 0;
    int status = control(link, c, c->kills ? VERB_KILL : VERB_CANCEL, &n);
    if (status == EXIT_ALL_WELL && c->json)
        show_number(stdout, c->n_ranges ? "chunks" : "jobs", n);
    else if (status == EXIT_ALL_WELL && !c->quiet && c->n_ranges && n == 0)
        fprintf(stderr, "fanmill: none of these chunks is waiting or running\n");
    else if (status == EXIT_ALL_WELL && !c->quiet && n == 0)
        fprintf(stderr, "fanmill: the job had already finished\n");
    return ask_done(status);
}

static int forget(struct link *link, void *arg)
{
    const struct jobs_command *c = arg;
    uint64_t n = 0;
    int status = control(link, c, VERB_FORGET, &n);
    if (status == EXIT_ALL_WELL && c->json)
        show_number(stdout, "jobs", n);
    return ask_done(status);
}

static int retry(struct link *link, void *arg)
{
    const struct jobs_command *c = arg;
    uint64_t id = 0;
    int status = control(link, c, c->failed_only ? VERB_RETRY_FAILED : VERB_RETRY, &id);
    if (status == EXIT_ALL_WELL && c->json)
        show_number(stdout, "id", id);
    else if (status == EXIT_ALL_WELL)
        printf("%" PRIu64 "\n", id);
    return ask_done(status);
}

struct retried {
    const struct jobs_command *command;
    uint64_t *ids;
    size_t n;
    bool no_memory;
};

static void retried_done(struct retried *r)
{
    free(r->ids);
}

static void note_ended(void *arg, const void *row)
{
    struct retried *r = arg;
    const struct job_info *job = row;
    const char *user = r->command->user ? r->command->user : "";
    if (job->phase != PHASE_ENDED || !job->detached || (r->command->failed_only && !job->failed))
        return;
    if (strcmp(user, "all") != 0 && user[0] && strcmp(user, job->owner) != 0)
        return;
    if (grow(r->ids, r->n, 1) < 0)
        r->no_memory = true;
    else
        r->ids[r->n++] = job->id;
}

// Those of several jobs that can be run again: what runs, what is another user's and what nothing
// failed in is left out.
static int retry_several(struct link *link, void *arg)
{
    const struct jobs_command *c = arg;
    _cleanup_(retried_done)
    struct retried jobs = {.command = c};
    const struct msg_query query = {
        .what = QUERY_JOBS, .first = c->jobs.first, .last = c->jobs.last};
    struct err err = {0};
    int r = link_query(link, &query, note_ended, &jobs, connect_deadline(), &err);
    if (r == 0 && jobs.no_memory)
        r = err_set(&err, -ENOMEM, "out of memory");
    if (r < 0)
        return connect_failed(link, &err, r);
    size_t n = 0;
    for (size_t i = 0; i < jobs.n; i++) {
        const struct msg_control m = {.verb = c->failed_only ? VERB_RETRY_FAILED : VERB_RETRY,
                                      .first = jobs.ids[i],
                                      .last = jobs.ids[i]};
        uint64_t id = 0;
        r = link_control(link, &m, &id, connect_deadline(), &err);
        if (r == -EACCES || r == -ENOENT)
            continue;
        if (r < 0)
            return connect_failed(link, &err, r);
        n++;
        if (c->json)
            show_number(stdout, "id", id);
        else
            printf("%" PRIu64 "\n", id);
    }
    if (n == 0)
        fprintf(stderr, "fanmill: none of these jobs can be run again\n");
    return ask_done(n ? EXIT_ALL_WELL : EXIT_USAGE);
}

#define USER_FLAG                                                                                  \
    {                                                                                              \
        0, "user", SETS_TEXT(struct jobs_command, user), "NAME",                                   \
            "of several jobs, those of user NAME, or of all users; the default with all is one's " \
            "own"                                                                                  \
    }
static const struct arg count_flags[] = {
    USER_FLAG,
    {0, "json", SETS_FLAG(struct jobs_command, json), NULL, "print the count as a JSON object"},
    {'q', "quiet", SETS_FLAG(struct jobs_command, quiet), NULL, "print nothing"},
    {0},
};

static const struct arg cancel_flags[] = {
    {0, "kill", SETS_FLAG(struct jobs_command, kills), NULL, "send KILL at once instead of TERM"},
    {0, "chunks", SETS_TEXT(struct jobs_command, chunks), "N[-M][,...]",
     "only these chunks, numbered from 1: they count as failed; running ones get KILL"},
    {0},
};
const struct args cancel_args = {
    .usage = "JOB [--kill] [--chunks N[-M][,...]]",
    .about = "Cancels jobs: no new chunk starts, running ones get TERM and KILL 5 s later. JOB "
             "is " JOB_FORMS ".\n",
    .tables = {CONNECT_TABLE(struct jobs_command), {.list = cancel_flags}, {.list = count_flags}},
    .n_operands = 1,
    .n_required = 1,
    .missing = "missing job: " JOB_FORMS};

int cli_cancel(int argc, char **argv)
{
    struct jobs_command c = {0};
    int status;
    if (ask_parse("cancel", &cancel_args, &c, argc, argv, "", &c.jobs, &status) != 0)
        return status;
    return read_chunks("cancel", &c) ? connect_run(&c.connect, cancel, &c) : EXIT_USAGE;
}

static const struct arg retry_flags[] = {
    USER_FLAG,
    {0, "failed", SETS_FLAG(struct jobs_command, failed_only), NULL,
     "run only the chunks that failed"},
    {0, "chunks", SETS_TEXT(struct jobs_command, chunks), "N[-M][,...]",
     "run only these of the chunks that failed, numbered from 1"},
    {0, "json", SETS_FLAG(struct jobs_command, json), NULL,
     "print the new job's number as a JSON object"},
    {0},
};
const struct args retry_args = {
    .usage = "JOB [--failed | --chunks N[-M][,...]]",
    .about =
        "Runs detached jobs again, each as a new job, and prints the new numbers. JOB is " JOB_FORMS
        "; of several those are left out that have not ended or are another user's.\n",
    .tables = {CONNECT_TABLE(struct jobs_command), {.list = retry_flags}},
    .n_operands = 1,
    .n_required = 1,
    .missing = "missing job: " JOB_FORMS};

int cli_retry(int argc, char **argv)
{
    struct jobs_command c = {0};
    int status;
    if (ask_parse("retry", &retry_args, &c, argc, argv, "", &c.jobs, &status) != 0)
        return status;
    if (!read_chunks("retry", &c))
        return EXIT_USAGE;
    return connect_run(&c.connect, c.jobs.first == c.jobs.last ? retry : retry_several, &c);
}

const struct args forget_args = {
    .usage = "JOB",
    .about = "Drops finished jobs, with their results. JOB is " JOB_FORMS ".\n",
    .tables = {CONNECT_TABLE(struct jobs_command), {.list = count_flags}},
    .n_operands = 1,
    .n_required = 1,
    .missing = "missing job: " JOB_FORMS};

int cli_forget(int argc, char **argv)
{
    return ask("forget", &forget_args, argc, argv, "", forget);
}

static int hold_or_release(struct link *link, const struct jobs_command *c, enum verb verb)
{
    uint64_t n = 0;
    int status = control(link, c, verb, &n);
    if (status == EXIT_ALL_WELL && c->json)
        show_number(stdout, "jobs", n);
    return ask_done(status);
}

static int hold(struct link *link, void *arg)
{
    return hold_or_release(link, arg, VERB_HOLD);
}

static int release(struct link *link, void *arg)
{
    return hold_or_release(link, arg, VERB_RELEASE);
}

const struct args hold_args = {
    .usage = "JOB",
    .about = "Holds jobs: nothing new of them starts before 'fanmill release'; what runs goes on. "
             "JOB is " JOB_FORMS ".\n",
    .tables = {CONNECT_TABLE(struct jobs_command), {.list = count_flags}},
    .n_operands = 1,
    .n_required = 1,
    .missing = "missing job: " JOB_FORMS};

int cli_hold(int argc, char **argv)
{
    return ask("hold", &hold_args, argc, argv, "", hold);
}

const struct args release_args = {
    .usage = "JOB",
    .about = "Lets jobs go on that are held. JOB is " JOB_FORMS ".\n",
    .tables = {CONNECT_TABLE(struct jobs_command), {.list = count_flags}},
    .n_operands = 1,
    .n_required = 1,
    .missing = "missing job: " JOB_FORMS};

int cli_release(int argc, char **argv)
{
    return ask("release", &release_args, argc, argv, "", release);
}
