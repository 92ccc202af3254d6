// Commands about jobs of a running coordinator: status, wait, cancel, retry, forget, explain.
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "cli/args/exit_code.h"
#include "cli/follow/connect.h"
#include "cli/follow/follow.h"
#include "cli/jobs/commands.h"
#include "cli/text/show.h"

struct ask {
    struct connect connect;
    bool json;
    bool quiet;
    bool kill;
    bool failed_only;
    int64_t timeout_ns;
    uint64_t first, last;
    uint32_t verb;
    enum query what;
    uint64_t rows;
};

static int trouble(const struct err *err, int r)
{
    fprintf(stderr, "fanmill: %s\n", err->text);
    if (r == -EHOSTDOWN || r == -ECONNRESET || r == -ECONNREFUSED)
        return EXIT_LOST;
    return r == -ETIMEDOUT ? EXIT_TIMEOUT : EXIT_USAGE;
}

static int done(int status)
{
    return fflush(stdout) == 0 ? status : EXIT_OUTPUT;
}

static void show_row(void *arg, const void *row)
{
    struct ask *ask = arg;
    if (ask->json)
        show_job_json(stdout, row);
    else {
        if (ask->rows == 0)
            show_jobs_head(stdout);
        show_job(stdout, row);
    }
    ask->rows++;
}

static int status_of(struct link *link, void *arg)
{
    struct ask *ask = arg;
    const struct msg_query query = {.what = QUERY_JOBS, .first = ask->first, .last = ask->last};
    struct err err = {0};
    int r = link_query(link, &query, show_row, ask, clock_after(clock_now(), ANSWER_NS), &err);
    if (r < 0)
        return trouble(&err, r);
    if (ask->rows == 0 && ask->first == ask->last) {
        fprintf(stderr, "fanmill: there is no such job\n");
        return EXIT_USAGE;
    }
    if (ask->rows == 0 && !ask->json)
        fprintf(stderr, "fanmill: no jobs\n");
    return done(EXIT_ALL_WELL);
}

static int parse(struct ask *ask, const struct args *args, int argc, char **argv, const char *other)
{
    struct words words;
    int status;
    if (args_parse(args, argc, argv, &words, &status) != 0)
        return status;
    const char *word = words.n ? words.list[0] : other;
    if (select_jobs(word, &ask->first, &ask->last) < 0)
        return args_mistake(args->command,
                            "which job? a number, a range like 3-7, last or all, "
                            "not '%s'",
                            word);
    return -1;
}

int cli_status(int argc, char **argv)
{
    struct ask ask = {0};
    const struct arg table[] = {CONNECT_ARGS(ask.connect),
                                {0, "json", ARG_FLAG, &ask.json, NULL, "an object for each job"}};
    const struct args args = {.command = "status",
                              .usage = "[JOB] [--json]",
                              .about = "Tells how jobs stand: all, or JOB (a number, a range like "
                                       "3-7, last, all).\n",
                              .table = table,
                              .n = sizeof(table) / sizeof(table[0]),
                              .words_max = 1};
    int status = parse(&ask, &args, argc, argv, "all");
    return status >= 0 ? status : connect_run(&ask.connect, status_of, &ask);
}

// ---- waiting: the end of a stream that wants no records

struct found {
    uint64_t ids[1024];
    size_t n;
};

static void note_id(void *arg, const void *row)
{
    struct found *found = arg;
    if (found->n < sizeof(found->ids) / sizeof(found->ids[0]))
        found->ids[found->n++] = ((const struct job_info *)row)->id;
}

// The status of the job's end, or negative errno.
static int wait_for(struct link *link, uint64_t job, int64_t deadline, const struct ask *ask)
{
    const struct results_options options = {.job = job, .from = INT64_MAX / 2};
    struct results *results;
    struct result_record record;
    int r = results_open(link, &options, &results);
    while (r >= 0 && (r = results_next(results, deadline, &record)) == 1)
        ;
    struct job_info info = *results_job(results);
    results_close(results, CLOSE_LEAVE, clock_after(clock_now(), ANSWER_NS));
    if (r < 0)
        return r;
    if (ask->json)
        show_job_json(stdout, &info);
    else if (!ask->quiet)
        fprintf(stderr, "fanmill: job %" PRIu64 " (%s): %s; %" PRIu64 " ok, %" PRIu64 " failed\n",
                info.id, info.name, job_state_name(&info), info.ok, info.failed);
    return follow_status_of(&info);
}

static int wait_all(struct link *link, void *arg)
{
    static struct found found;
    struct ask *ask = arg;
    const struct msg_query query = {.what = QUERY_JOBS, .first = ask->first, .last = ask->last};
    struct err err = {0};
    int64_t deadline = ask->timeout_ns ? clock_after(clock_now(), ask->timeout_ns) : CLOCK_FOREVER;
    int worst = EXIT_ALL_WELL;
    int r = link_query(link, &query, note_id, &found, clock_after(clock_now(), ANSWER_NS), &err);
    if (r < 0)
        return trouble(&err, r);
    if (found.n == 0 && ask->first == ask->last) {
        fprintf(stderr, "fanmill: there is no such job\n");
        return EXIT_USAGE;
    }
    for (size_t i = 0; i < found.n; i++) {
        r = wait_for(link, found.ids[i], deadline, ask);
        if (r == -ETIMEDOUT) {
            fprintf(stderr, "fanmill: job %" PRIu64 " has not ended in time; it goes on\n",
                    found.ids[i]);
            return done(EXIT_TIMEOUT);
        }
        if (r < 0) {
            err_set(&err, r, "%s",
                    link_trouble(link)[0] ? link_trouble(link) : "the job is not to be waited for");
            return trouble(&err, r);
        }
        if (r > worst)
            worst = r;
    }
    return done(worst);
}

int cli_wait(int argc, char **argv)
{
    struct ask ask = {0};
    const struct arg table[] = {
        CONNECT_ARGS(ask.connect),
        {0, "timeout", ARG_DURATION, &ask.timeout_ns, "TIME", "wait no longer; the job goes on"},
        {0, "json", ARG_FLAG, &ask.json, NULL, "an object for each job that ended"},
        {'q', "quiet", ARG_FLAG, &ask.quiet, NULL, "tell by the exit status alone"}};
    const struct args args = {
        .command = "wait",
        .usage = "[JOB] [--timeout TIME]",
        .about = "Waits until detached jobs have ended: JOB (a number, a range, last, all; "
                 "default: last).\n",
        .more = "Exit status: as 'fanmill run' would have it, of several jobs the greatest; 124 "
                "when the time was over.\n",
        .table = table,
        .n = sizeof(table) / sizeof(table[0]),
        .words_max = 1};
    int status = parse(&ask, &args, argc, argv, "last");
    return status >= 0 ? status : connect_run(&ask.connect, wait_all, &ask);
}

// ---- ruling

static int control(struct link *link, void *arg)
{
    struct ask *ask = arg;
    const struct msg_control m = {.verb = ask->verb, .first = ask->first, .last = ask->last};
    struct err err = {0};
    uint64_t value = 0;
    int r = link_control(link, &m, &value, clock_after(clock_now(), ANSWER_NS), &err);
    if (r < 0)
        return trouble(&err, r);
    bool is_retry = ask->verb == VERB_RETRY || ask->verb == VERB_RETRY_FAILED;
    if (is_retry)
        printf(ask->json ? "{\"v\":1,\"id\":%" PRIu64 "}\n" : "%" PRIu64 "\n", value);
    else if (ask->json)
        printf("{\"v\":1,\"jobs\":%" PRIu64 "}\n", value);
    else if (!ask->quiet && value == 0 && ask->verb != VERB_FORGET)
        fprintf(stderr, "fanmill: it had ended already\n");
    return done(EXIT_ALL_WELL);
}

int cli_cancel(int argc, char **argv)
{
    struct ask ask = {.verb = VERB_CANCEL};
    const struct arg table[] = {
        CONNECT_ARGS(ask.connect),
        {0, "kill", ARG_FLAG, &ask.kill, NULL, "KILL at once, without TERM and grace"},
        {0, "json", ARG_FLAG, &ask.json, NULL, "an object that tells how many"},
        {'q', "quiet", ARG_FLAG, &ask.quiet, NULL, "say nothing"}};
    const struct args args = {.command = "cancel",
                              .usage = "JOB [--kill]",
                              .about =
                                  "Ends jobs: nothing more begins, what runs gets TERM and 5 s "
                                  "later KILL.\n",
                              .table = table,
                              .n = sizeof(table) / sizeof(table[0]),
                              .words_min = 1,
                              .words_max = 1,
                              .missing = "which job? a number, a range like 3-7, last or all"};
    int status = parse(&ask, &args, argc, argv, "");
    if (ask.kill)
        ask.verb = VERB_KILL;
    return status >= 0 ? status : connect_run(&ask.connect, control, &ask);
}

int cli_retry(int argc, char **argv)
{
    struct ask ask = {0};
    const struct arg table[] = {
        CONNECT_ARGS(ask.connect),
        {0, "failed", ARG_FLAG, &ask.failed_only, NULL, "only the chunks that failed"},
        {0, "json", ARG_FLAG, &ask.json, NULL, "an object with the new job's id"}};
    const struct args args = {.command = "retry",
                              .usage = "JOB [--failed]",
                              .about = "Runs a detached job again, as a new one, whose id is "
                                       "printed.\n",
                              .table = table,
                              .n = sizeof(table) / sizeof(table[0]),
                              .words_min = 1,
                              .words_max = 1,
                              .missing = "which job? a number or last"};
    int status = parse(&ask, &args, argc, argv, "");
    if (status < 0 && ask.first != ask.last)
        return args_mistake("retry", "one job at a time");
    ask.verb = ask.failed_only ? VERB_RETRY_FAILED : VERB_RETRY;
    return status >= 0 ? status : connect_run(&ask.connect, control, &ask);
}

int cli_forget(int argc, char **argv)
{
    struct ask ask = {.verb = VERB_FORGET};
    const struct arg table[] = {
        CONNECT_ARGS(ask.connect),
        {0, "json", ARG_FLAG, &ask.json, NULL, "an object that tells how many"},
        {'q', "quiet", ARG_FLAG, &ask.quiet, NULL, "say nothing"}};
    const struct args args = {.command = "forget",
                              .usage = "JOB",
                              .about = "Drops jobs that have ended, with their results.\n",
                              .table = table,
                              .n = sizeof(table) / sizeof(table[0]),
                              .words_min = 1,
                              .words_max = 1,
                              .missing = "which job? a number, a range like 3-7, last or all"};
    int status = parse(&ask, &args, argc, argv, "");
    return status >= 0 ? status : connect_run(&ask.connect, control, &ask);
}

// ---- explain

static void show_line(void *arg, const void *row)
{
    struct ask *ask = arg;
    const struct line_info *line = row;
    ask->rows++;
    if (ask->json)
        show_line_json(stdout, line);
    else
        printf("%s\n", line->text);
}

static int explain(struct link *link, void *arg)
{
    struct ask *ask = arg;
    const struct msg_query query = {.what = QUERY_EXPLAIN, .first = ask->first, .last = ask->last};
    struct err err = {0};
    int r = link_query(link, &query, show_line, ask, clock_after(clock_now(), ANSWER_NS), &err);
    if (r < 0)
        return trouble(&err, r);
    if (ask->rows == 0) {
        fprintf(stderr, "fanmill: there is no such job\n");
        return EXIT_USAGE;
    }
    return done(EXIT_ALL_WELL);
}

int cli_explain(int argc, char **argv)
{
    struct ask ask = {0};
    const struct arg table[] = {CONNECT_ARGS(ask.connect),
                                {0, "json", ARG_FLAG, &ask.json, NULL, "an object for each line"}};
    const struct args args = {.command = "explain",
                              .usage = "[JOB]",
                              .about = "Tells why chunks of a job do not run now (default: of the "
                                       "last job).\n",
                              .table = table,
                              .n = sizeof(table) / sizeof(table[0]),
                              .words_max = 1};
    int status = parse(&ask, &args, argc, argv, "last");
    return status >= 0 ? status : connect_run(&ask.connect, explain, &ask);
}
