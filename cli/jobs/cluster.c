// Commands about the coordinator and its workers: workers, drain, service, top.
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "async/group.h"
#include "async/io.h"
#include "base/clock.h"
#include "cli/args/exit_code.h"
#include "cli/follow/connect.h"
#include "cli/jobs/commands.h"
#include "cli/text/show.h"

struct look {
    struct connect connect;
    bool json;
    const char *name;
    uint64_t rows;
    FILE *out;
    struct link *link;
    struct event_flag over;
};

static int64_t soon(void)
{
    return clock_after(clock_now(), ANSWER_NS);
}

static int trouble(const struct err *err, int r)
{
    fprintf(stderr, "fanmill: %s\n", err->text);
    return r == -EHOSTDOWN || r == -ECONNRESET || r == -ECONNREFUSED ? EXIT_LOST : EXIT_USAGE;
}

static int done(void)
{
    return fflush(stdout) == 0 ? EXIT_ALL_WELL : EXIT_OUTPUT;
}

static void show_worker_row(void *arg, const void *row)
{
    struct look *look = arg;
    if (look->json)
        show_worker_json(look->out, row);
    else {
        if (look->rows == 0)
            show_workers_head(look->out);
        show_worker(look->out, row);
    }
    look->rows++;
}

static int workers(struct link *link, void *arg)
{
    struct look *look = arg;
    struct err err = {0};
    const struct msg_query query = {.what = QUERY_WORKERS};
    look->out = stdout;
    int r = link_query(link, &query, show_worker_row, look, soon(), &err);
    if (r < 0)
        return trouble(&err, r);
    if (look->rows == 0 && !look->json)
        fprintf(stderr, "fanmill: no workers: start some with 'fanmill worker'\n");
    return done();
}

int cli_workers(int argc, char **argv)
{
    struct look look = {0};
    struct words words;
    int status;
    const struct arg table[] = {
        CONNECT_ARGS(look.connect),
        {0, "json", ARG_FLAG, &look.json, NULL, "an object for each worker"}};
    const struct args args = {.command = "workers",
                              .usage = "[--json]",
                              .about = "Lists the workers of a coordinator.\n",
                              .table = table,
                              .n = sizeof(table) / sizeof(table[0])};
    if (args_parse(&args, argc, argv, &words, &status) != 0)
        return status;
    return connect_run(&look.connect, workers, &look);
}

static int drain(struct link *link, void *arg)
{
    struct look *look = arg;
    struct msg_control m = {.verb = VERB_DRAIN};
    struct err err = {0};
    uint64_t n = 0;
    if (strlen(look->name) >= sizeof(m.name))
        return args_mistake("drain", "'%s' is too long a name", look->name);
    memcpy(m.name, look->name, strlen(look->name) + 1);
    int r = link_control(link, &m, &n, soon(), &err);
    if (r < 0)
        return trouble(&err, r);
    if (look->json)
        printf("{\"v\":1,\"workers\":%" PRIu64 "}\n", n);
    return done();
}

int cli_drain(int argc, char **argv)
{
    struct look look = {0};
    struct words words;
    int status;
    const struct arg table[] = {
        CONNECT_ARGS(look.connect),
        {0, "json", ARG_FLAG, &look.json, NULL, "an object that tells how many"}};
    const struct args args = {
        .command = "drain",
        .usage = "WORKER",
        .about = "Tells workers to finish what runs and to leave: by name, by number, or all.\n"
                 "Chunks that did not begin run elsewhere.\n",
        .table = table,
        .n = sizeof(table) / sizeof(table[0]),
        .words_min = 1,
        .words_max = 1,
        .missing = "which worker? a name or number of 'fanmill workers', or all"};
    if (args_parse(&args, argc, argv, &words, &status) != 0)
        return status;
    look.name = words.list[0];
    return connect_run(&look.connect, drain, &look);
}

static void show_count(void *arg, const void *row)
{
    struct look *look = arg;
    const struct line_info *line = row;
    if (look->json)
        printf("%s\"%s\":%" PRIu64, look->rows ? "," : "{\"v\":1,", line->name, line->value);
    else
        printf("%-22s %" PRIu64 "\n", line->name, line->value);
    look->rows++;
}

static int service(struct link *link, void *arg)
{
    struct look *look = arg;
    struct err err = {0};
    const struct msg_query query = {.what = QUERY_SERVICE};
    int r = link_query(link, &query, show_count, look, soon(), &err);
    if (r < 0)
        return trouble(&err, r);
    if (look->json)
        printf("}\n");
    return done();
}

int cli_service(int argc, char **argv)
{
    struct look look = {0};
    struct words words;
    int status;
    const struct arg table[] = {CONNECT_ARGS(look.connect),
                                {0, "json", ARG_FLAG, &look.json, NULL, "one object"}};
    const struct args args = {.command = "service",
                              .usage = "[--json]",
                              .about = "Counts of the coordinator itself: chunks, peers, strangers "
                                       "that were refused.\n",
                              .table = table,
                              .n = sizeof(table) / sizeof(table[0])};
    if (args_parse(&args, argc, argv, &words, &status) != 0)
        return status;
    return connect_run(&look.connect, service, &look);
}

// ---- top: both tables, again and again

static void show_job_row(void *arg, const void *row)
{
    struct look *look = arg;
    if (look->json) {
        show_job_json(look->out, row);
        return;
    }
    if (look->rows++ == 0)
        show_jobs_head(look->out);
    show_job(look->out, row);
}

// The objects are made as lines; in a list they stand side by side.
static void put_list(const char *name, const char *text, size_t len)
{
    printf(",\"%s\":[", name);
    for (size_t i = 0; i < len; i++)
        if (text[i] != '\n')
            putchar(text[i]);
        else if (i + 1 < len)
            putchar(',');
    printf("]");
}

static int query_list(struct look *look, const struct msg_query *query, link_row_fn *row,
                      const char *name, struct err *err)
{
    char *text = NULL;
    size_t len = 0;
    look->out = open_memstream(&text, &len);
    if (!look->out)
        return err_set(err, -ENOMEM, "out of memory");
    int r = link_query(look->link, query, row, look, soon(), err);
    fclose(look->out);
    if (r == 0)
        put_list(name, text, len);
    free(text);
    return r;
}

static int draw_json(struct look *look, struct err *err)
{
    const struct msg_query jobs = {.what = QUERY_JOBS, .first = 1, .last = UINT64_MAX};
    const struct msg_query workers_query = {.what = QUERY_WORKERS};
    printf("{\"v\":1");
    int r = query_list(look, &workers_query, show_worker_row, "workers", err);
    if (r == 0)
        r = query_list(look, &jobs, show_job_row, "jobs", err);
    printf("}\n");
    return r < 0 ? r : fflush(stdout) == 0 ? 0 : err_set(err, -EPIPE, "output is gone");
}

static int draw(struct look *look, struct err *err)
{
    const struct msg_query jobs = {.what = QUERY_JOBS, .first = 1, .last = UINT64_MAX};
    const struct msg_query workers_query = {.what = QUERY_WORKERS};
    char *text = NULL;
    size_t len = 0;
    look->out = open_memstream(&text, &len);
    if (!look->out)
        return err_set(err, -ENOMEM, "out of memory");
    look->rows = 0;
    int r = link_query(look->link, &workers_query, show_worker_row, look, soon(), err);
    if (r == 0 && look->rows == 0)
        fprintf(look->out, "no workers\n");
    fprintf(look->out, "\n");
    look->rows = 0;
    if (r == 0)
        r = link_query(look->link, &jobs, show_job_row, look, soon(), err);
    if (r == 0 && look->rows == 0)
        fprintf(look->out, "no jobs\n");
    fclose(look->out);
    if (r == 0 && isatty(STDOUT_FILENO))
        fputs("\033[H\033[J", stdout);
    if (r == 0)
        fwrite(text, 1, len, stdout);
    free(text);
    return r < 0 ? r : fflush(stdout) == 0 ? 0 : err_set(err, -EPIPE, "output is gone");
}

static int watch_end(void *arg)
{
    struct look *look = arg;
    const int list[] = {SIGINT, SIGTERM, SIGHUP};
    struct signals signals;
    if (signals_open(list, sizeof(list) / sizeof(list[0]), &signals) < 0)
        return 0;
    if (signals_next(&signals) > 0)
        event_flag_set(&look->over);
    signals_close(&signals);
    return 0;
}

static int top(struct link *link, void *arg)
{
    struct look *look = arg;
    struct err err = {0};
    struct group group;
    look->link = link;
    if (look->json) {
        int once = draw_json(look, &err);
        return once < 0 ? trouble(&err, once) : EXIT_ALL_WELL;
    }
    group_open(&group);
    int r = group_spawn(&group, "signals", watch_end, look);
    while (r == 0 && !look->over.set) {
        r = draw(look, &err);
        if (r == 0 && !isatty(STDOUT_FILENO))
            break;
        if (r == 0 &&
            waitq_wait_until(&look->over.q, clock_after(clock_now(), NS_PER_S)) == -ECANCELED)
            break;
    }
    group_cancel(&group);
    group_wait(&group);
    return r < 0 ? trouble(&err, r) : EXIT_ALL_WELL;
}

int cli_top(int argc, char **argv)
{
    struct look look = {0};
    struct words words;
    int status;
    const struct arg table[] = {
        CONNECT_ARGS(look.connect),
        {0, "json", ARG_FLAG, &look.json, NULL, "once, as one object: workers and jobs"}};
    const struct args args = {.command = "top",
                              .usage = "[--json]",
                              .about = "Shows workers and jobs, once a second, until Ctrl-C; once "
                                       "when it is not a terminal.\n",
                              .table = table,
                              .n = sizeof(table) / sizeof(table[0])};
    if (args_parse(&args, argc, argv, &words, &status) != 0)
        return status;
    return connect_run(&look.connect, top, &look);
}
