// `fanmill status`: all jobs in a table, one on a page, or the chunks that run now.
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/parse.h"
#include "cli/jobs/ask.h"
#include "cli/jobs/commands.h"
#include "cli/jobs/page.h"
#include "cli/jobs/tables.h"
#include "cli/text/columns.h"
#include "cli/text/count.h"
#include "cli/text/show.h"

#define WORD_MAX 40u      // of a state, as --state has it
#define PAGE_COLUMNS 100u // of a page that does not go to a terminal

struct status_command {
    struct connect connect;
    struct job_range jobs;
    const char *states; // words with commas between them
    const char *user;
    int64_t since_ns;
    int64_t older_ns;
    uint64_t limit;
    bool json;
    bool running;
    struct buf rows; // struct job_info: those that were asked for
    int error;
    struct table table;
};

// "ended early" as a word: ended-early.
static void state_word(const char *state, char ret[WORD_MAX])
{
    snprintf(ret, WORD_MAX, "%s", state);
    for (char *c = ret; *c; c++)
        *c = *c == ' ' ? '-' : *c;
}

static bool is_group(const char *word, size_t len, const char *group)
{
    return strlen(group) == len && strncmp(word, group, len) == 0;
}

static bool has_word(const struct job_info *job, const char *word, size_t len)
{
    char own[WORD_MAX];
    bool ended = job->phase == PHASE_ENDED;
    state_word(job_state_name(job), own);
    // "waiting" is each state that begins so.
    return (strncmp(own, word, len) == 0 && (own[len] == '\0' || own[len] == '-')) ||
           (ended && is_group(word, len, "ended")) || (!ended && is_group(word, len, "live")) ||
           (ended && strcmp(own, "done") != 0 && is_group(word, len, "bad"));
}

static bool has_one_of(const struct job_info *job, const char *words)
{
    for (const char *word = words; *word;) {
        size_t len = strcspn(word, ",");
        if (len && has_word(job, word, len))
            return true;
        word += len + (word[len] == ',');
    }
    return false;
}

// Every state that a job can have, as a job.
static bool next_state(struct job_info *job)
{
    if (job->phase == PHASE_RUNNING && ++job->waits < WAIT_COUNT)
        return true;
    if (job->phase != PHASE_ENDED) {
        job->phase++;
        job->waits = WAIT_NONE;
        job->fate = 0;
        return true;
    }
    if (fate_is_whole(job->fate) && !job->failed) {
        job->failed = 1;
        return true;
    }
    job->failed = 0;
    return ++job->fate < FATE_COUNT;
}

static int check_states(const char *words)
{
    char list[512] = "live, ended, bad", own[WORD_MAX + 2] = ", ";
    size_t n = strlen(list);
    for (const char *word = words; *word;) {
        size_t len = strcspn(word, ",");
        struct job_info job = {0};
        bool known = false;
        do {
            known = has_word(&job, word, len);
        } while (!known && next_state(&job));
        if (!known || !len) {
            job = (struct job_info){0};
            do {
                state_word(job_state_name(&job), own + 2);
                if (!strstr(list, own) && n + strlen(own) < sizeof(list))
                    n += (size_t)snprintf(list + n, sizeof(list) - n, "%s", own);
            } while (next_state(&job));
            return args_mistake("status",
                                "--state takes one or more of %s, with commas between "
                                "them, not '%.*s'",
                                list, (int)len, word);
        }
        word += len + (word[len] == ',');
    }
    return 0;
}

static void keep_row(void *arg, const void *row)
{
    struct status_command *c = arg;
    const struct job_info *job = row;
    if ((c->states && !has_one_of(job, c->states)) ||
        (c->user && strcmp(c->user, job->owner) != 0) ||
        (c->since_ns && job_age(job) > c->since_ns) || (c->older_ns && job_age(job) < c->older_ns))
        return;
    if (c->error == 0)
        c->error = buf_add(&c->rows, job, sizeof(*job));
}

static int show_rows(struct status_command *c)
{
    const struct job_info *jobs = (const struct job_info *)(void *)c->rows.data;
    size_t n = c->rows.len / sizeof(*jobs);
    size_t first = c->limit && c->limit < n ? n - (size_t)c->limit : 0;
    int r = 0;
    if (!c->json)
        job_table_begin(&c->table);
    for (size_t i = first; i < n; i++) {
        struct show_object object;
        if (!c->json) {
            job_table_add(&c->table, &jobs[i]);
            continue;
        }
        show_put_job(show_begin(&object), &jobs[i]);
        show_end(&object, stdout);
    }
    if (!c->json) {
        r = table_print(&c->table, 0, n - first, terminal_columns(STDOUT_FILENO), stdout);
        table_done(&c->table);
    }
    if (first && isatty(STDERR_FILENO))
        fprintf(stderr, "fanmill: the newest %zu of %s\n", n - first, count(n, "job").text);
    return r;
}

static bool is_filtered(const struct status_command *c)
{
    return c->states || c->user || c->since_ns || c->older_ns;
}

static int show_jobs(struct link *link, struct status_command *c)
{
    const struct msg_query query = {
        .what = QUERY_JOBS, .first = c->jobs.first, .last = c->jobs.last};
    struct err err = {0};
    bool is_one = c->jobs.first == c->jobs.last;
    int r = link_query(link, &query, keep_row, c, connect_deadline(), &err);
    if (r == 0 && c->error < 0)
        r = err_sys(&err, c->error, "the list of jobs");
    if (r < 0)
        return connect_failed(link, &err, r);
    if (c->rows.len == 0 && is_one && !is_filtered(c))
        return ask_no_job();
    if (c->rows.len == 0 && !c->json)
        fprintf(stderr, "fanmill: no %sjobs\n", is_filtered(c) ? "such " : "");
    else if (is_one && !c->json) {
        size_t columns = terminal_columns(STDOUT_FILENO);
        r = page_print(link, (const struct job_info *)(void *)c->rows.data,
                       columns ? columns : PAGE_COLUMNS);
    } else if (c->rows.len > 0) {
        r = show_rows(c);
    }
    return ask_done(r < 0 ? EXIT_FAULT : EXIT_ALL_WELL);
}

static void show_running_row(void *arg, const void *row)
{
    struct status_command *c = arg;
    struct show_object object;
    if (!c->json) {
        running_table_add(&c->table, row);
        return;
    }
    show_put_running(show_begin(&object), row);
    show_end(&object, stdout);
}

static int show_running(struct link *link, struct status_command *c)
{
    const struct msg_query query = {
        .what = QUERY_RUNNING, .first = c->jobs.first, .last = c->jobs.last};
    struct job_info job;
    struct err err = {0};
    bool is_one = c->jobs.first == c->jobs.last;
    int r = 0;
    running_table_begin(&c->table, is_one);
    if (is_one)
        r = connect_job(link, c->jobs.first, c->jobs.last, connect_deadline(), &job, &err);
    if (r == 0)
        r = link_query(link, &query, show_running_row, c, connect_deadline(), &err);
    if (r < 0)
        return connect_failed(link, &err, r);
    if (!c->json && table_rows(&c->table) > 0)
        r = table_print(&c->table, 0, SIZE_MAX, terminal_columns(STDOUT_FILENO), stdout);
    else if (!c->json && is_one)
        fprintf(stderr, "fanmill: job %" PRIu64 " (%s): no chunk runs\n", job.id,
                job_state_name(&job));
    else if (!c->json)
        fprintf(stderr, "fanmill: no chunk runs\n");
    table_done(&c->table);
    return ask_done(r < 0 ? EXIT_FAULT : EXIT_ALL_WELL);
}

static int show_status(struct link *link, void *arg)
{
    struct status_command *c = arg;
    int status = c->running ? show_running(link, c) : show_jobs(link, c);
    buf_done(&c->rows);
    return status;
}

static const struct arg status_flags[] = {
    {0, "state", SETS_TEXT(struct status_command, states), "WORDS",
     "only jobs in these states: running, waiting, held, done, failed, ...; live: not ended; "
     "ended; "
     "bad: ended, but not well"},
    {0, "user", SETS_TEXT(struct status_command, user), "NAME",
     "only jobs that were submitted with the key NAME"},
    {0, "since", SETS_DURATION(struct status_command, since_ns), "TIME",
     "only jobs that were submitted in the last TIME, e.g. 2h"},
    {0, "older", SETS_DURATION(struct status_command, older_ns), "TIME",
     "only jobs that were submitted before that"},
    {0, "limit", SETS_NUMBER(struct status_command, limit), "N", "only the newest N"},
    {0, "running", SETS_FLAG(struct status_command, running), NULL,
     "show the chunks that run: which, where, since when, what"},
    {0, "json", SETS_FLAG(struct status_command, json), NULL,
     "print a JSON object for each job or chunk"},
    {0},
};
const struct args status_args = {
    .usage = "[JOB] [--state WORDS] [--limit N] [--running] [--json]",
    .about =
        "Shows the state of all jobs, the newest last, or all about JOB: " JOB_FORMS
        ". On a terminal the table is as wide as that, and leaves out what matters least; in a "
        "pipe it is whole.\n",
    .examples = "  fanmill status --state live        # what has not ended\n"
                "  fanmill status --since 1d --state bad\n"
                "  fanmill status last                # all about the newest job\n"
                "  fanmill status 3 --running         # its chunks: where, since when\n",
    .tables = {{.list = status_flags}, CONNECT_TABLE(struct status_command)},
    .n_operands = 1};

int cli_status(int argc, char **argv)
{
    struct status_command c = {0};
    int status;
    if (ask_parse("status", &status_args, &c, argc, argv, "all", &c.jobs, &status) != 0)
        return status;
    if (c.states && check_states(c.states) != 0)
        return EXIT_USAGE;
    if (c.running && (is_filtered(&c) || c.limit))
        return args_mistake("status", "--running goes with a JOB, not with filters");
    return connect_run(&c.connect, show_status, &c);
}
