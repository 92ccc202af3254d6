// `fanmill top`: workers and jobs, again and again.
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "async/group.h"
#include "async/io.h"
#include "base/clock.h"
#include "cli/jobs/ask.h"
#include "cli/jobs/commands.h"
#include "cli/jobs/tables.h"
#include "cli/text/columns.h"
#include "cli/text/show.h"

struct top_command {
    struct connect connect;
    bool json;
    struct link *link;
    FILE *out;             // a picture being drawn
    struct json_writer *w; // the object being written
    struct table table;    // that is being drawn
    struct event_flag over;
};

static const struct msg_query all_jobs = {.what = QUERY_JOBS, .first = 1, .last = UINT64_MAX};
static const struct msg_query all_workers = {.what = QUERY_WORKERS};

static void put_worker(void *arg, const void *row)
{
    struct top_command *c = arg;
    json_begin(c->w, NULL, "{");
    show_put_worker(c->w, row);
    json_end(c->w, "}");
}

static void put_job(void *arg, const void *row)
{
    struct top_command *c = arg;
    json_begin(c->w, NULL, "{");
    show_put_job(c->w, row);
    json_end(c->w, "}");
}

static int write_object(struct top_command *c, struct err *err)
{
    struct show_object object;
    c->w = show_begin(&object);
    json_put_number(c->w, "v", 1);
    json_begin(c->w, "workers", "[");
    int r = link_query(c->link, &all_workers, put_worker, c, connect_deadline(), err);
    json_end(c->w, "]");
    json_begin(c->w, "jobs", "[");
    if (r == 0)
        r = link_query(c->link, &all_jobs, put_job, c, connect_deadline(), err);
    json_end(c->w, "]");
    if (r == 0)
        show_end(&object, stdout);
    buf_done(&object.line);
    return r;
}

static void draw_worker(void *arg, const void *row)
{
    worker_table_add(&((struct top_command *)arg)->table, row);
}

static void draw_job(void *arg, const void *row)
{
    job_table_add(&((struct top_command *)arg)->table, row);
}

static int draw_table(struct top_command *c, const struct msg_query *query, link_row_fn *row,
                      const char *none, struct err *err)
{
    int r = link_query(c->link, query, row, c, connect_deadline(), err);
    if (r == 0 && table_rows(&c->table) == 0)
        fprintf(c->out, "%s\n", none);
    else if (r == 0)
        r = table_print(&c->table, 0, SIZE_MAX, terminal_columns(STDOUT_FILENO), c->out);
    table_done(&c->table);
    return r;
}

// The new picture is complete before the old one is erased.
static int draw(struct top_command *c, struct err *err)
{
    char *text = NULL;
    size_t len = 0;
    c->out = open_memstream(&text, &len);
    if (!c->out)
        return err_set(err, -ENOMEM, "out of memory");
    worker_table_begin(&c->table);
    int r = draw_table(c, &all_workers, draw_worker, "no workers", err);
    fprintf(c->out, "\n");
    job_table_begin(&c->table);
    if (r == 0)
        r = draw_table(c, &all_jobs, draw_job, "no jobs", err);
    fclose(c->out);
    if (r == 0 && isatty(STDOUT_FILENO))
        fputs("\033[H\033[J", stdout);
    if (r == 0)
        fwrite(text, 1, len, stdout);
    free(text);
    return r < 0 ? r : fflush(stdout) == 0 ? 0 : err_set(err, -EPIPE, "stdout closed");
}

static int watch_end(void *arg)
{
    struct top_command *c = arg;
    const int list[] = {SIGINT, SIGTERM, SIGHUP};
    struct signals signals;
    if (signals_open(list, sizeof(list) / sizeof(list[0]), &signals) < 0)
        return 0;
    if (signals_next(&signals) > 0)
        event_flag_set(&c->over);
    signals_close(&signals);
    return 0;
}

static int show_top(struct link *link, void *arg)
{
    struct top_command *c = arg;
    struct err err = {0};
    struct group group;
    c->link = link;
    if (c->json) {
        int once = write_object(c, &err);
        return once < 0 ? connect_failed(link, &err, once) : ask_done(EXIT_ALL_WELL);
    }
    group_open(&group);
    int r = group_spawn(&group, "signals", watch_end, c);
    while (r == 0 && !c->over.set) {
        r = draw(c, &err);
        if (r == 0 && !isatty(STDOUT_FILENO))
            break;
        if (r == 0 &&
            waitq_wait_until(&c->over.q, clock_after(clock_now(), NS_PER_S)) == -ECANCELED)
            break;
    }
    group_cancel(&group);
    group_wait(&group);
    return r < 0 ? connect_failed(link, &err, r) : EXIT_ALL_WELL;
}

static const struct arg flags[] = {
    {0, "json", SETS_FLAG(struct top_command, json), NULL,
     "print workers and jobs once, as one JSON object"},
    {0},
};
const struct args top_args = {
    .usage = "[--json]",
    .about = "Shows workers and jobs, updated every second until Ctrl-C. Prints them once when "
             "standard output is not a terminal.\n",
    .tables = {CONNECT_TABLE(struct top_command), {.list = flags}}};

int cli_top(int argc, char **argv)
{
    struct top_command c = {0};
    struct word_list words;
    int status;
    return args_parse("top", &top_args, &c, argc, argv, &words, &status) != 0
               ? status
               : connect_run(&c.connect, show_top, &c);
}
