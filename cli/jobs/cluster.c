// Commands about the coordinator and its workers: workers, drain, service.
#include <errno.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/jobs/ask.h"
#include "cli/jobs/commands.h"
#include "cli/jobs/tables.h"
#include "cli/text/columns.h"
#include "cli/text/show.h"

struct cluster_command {
    struct connect connect;
    bool json;
    const char *name;      // of drain's workers
    uint64_t rows;         // seen so far
    struct json_writer *w; // service: the object that counts go into
    struct table table;    // of workers
};

// Parses the command line and does the command's work on a link.
static int ask(const char *command, const struct args *args, int argc, char **argv,
               connect_fn *work)
{
    struct cluster_command c = {0};
    struct word_list words;
    int status;
    if (args_parse(command, args, &c, argc, argv, &words, &status) != 0)
        return status;
    c.name = words.n ? words.list[0] : NULL;
    return connect_run(&c.connect, work, &c);
}

static void show_row(void *arg, const void *row)
{
    struct cluster_command *c = arg;
    struct show_object object;
    c->rows++;
    if (!c->json) {
        worker_table_add(&c->table, row);
        return;
    }
    show_put_worker(show_begin(&object), row);
    show_end(&object, stdout);
}

static int show_workers(struct link *link, void *arg)
{
    struct cluster_command *c = arg;
    const struct msg_query query = {.what = QUERY_WORKERS};
    struct err err = {0};
    worker_table_begin(&c->table);
    int r = link_query(link, &query, show_row, c, connect_deadline(), &err);
    if (r < 0)
        return connect_failed(link, &err, r);
    if (c->rows == 0 && !c->json)
        fprintf(stderr, "fanmill: no workers: start some with 'fanmill worker'\n");
    else if (!c->json)
        r = table_print(&c->table, 0, SIZE_MAX, terminal_columns(STDOUT_FILENO), stdout);
    table_done(&c->table);
    return ask_done(r < 0 ? EXIT_FAULT : EXIT_ALL_WELL);
}

static const struct arg workers_flags[] = {
    {0, "json", SETS_FLAG(struct cluster_command, json), NULL,
     "print a JSON object for each worker"},
    {0},
};
const struct args workers_args = {
    .usage = "[--json]",
    .about =
        "Lists the workers of a coordinator: how each is (ready, draining, silent, stuck), how "
        "many of its slots run a chunk, what it has done and what it has.\n",
    .tables = {CONNECT_TABLE(struct cluster_command), {.list = workers_flags}}};

int cli_workers(int argc, char **argv)
{
    return ask("workers", &workers_args, argc, argv, show_workers);
}

static int drain(struct link *link, void *arg)
{
    const struct cluster_command *c = arg;
    struct msg_control m = {.verb = VERB_DRAIN};
    struct err err = {0};
    uint64_t n = 0;
    if (strlen(c->name) >= sizeof(m.name))
        return args_mistake("drain", "the name '%s' is too long", c->name);
    memcpy(m.name, c->name, strlen(c->name) + 1);
    int r = link_control(link, &m, &n, connect_deadline(), &err);
    if (r < 0)
        return connect_failed(link, &err, r);
    if (c->json)
        show_number(stdout, "workers", n);
    return ask_done(EXIT_ALL_WELL);
}

static const struct arg drain_flags[] = {
    {0, "json", SETS_FLAG(struct cluster_command, json), NULL, "print the count as a JSON object"},
    {0},
};
const struct args drain_args = {
    .usage = "WORKER",
    .about = "Lets workers finish their running chunks and leave. WORKER is a name, a number, or "
             "all. Chunks that have not started run elsewhere.\n",
    .tables = {CONNECT_TABLE(struct cluster_command), {.list = drain_flags}},
    .n_operands = 1,
    .n_required = 1,
    .missing = "missing worker: a name or number from 'fanmill workers', or all"};

int cli_drain(int argc, char **argv)
{
    return ask("drain", &drain_args, argc, argv, drain);
}

static void show_counter(void *arg, const void *row)
{
    struct cluster_command *c = arg;
    const struct line_info *line = row;
    if (c->json)
        json_put_number(c->w, line->name, line->value);
    else
        printf("%-22s %" PRIu64 "\n", line->name, line->value);
}

static int show_service(struct link *link, void *arg)
{
    struct cluster_command *c = arg;
    const struct msg_query query = {.what = QUERY_SERVICE};
    struct show_object object;
    struct err err = {0};
    c->w = show_begin(&object);
    json_put_number(c->w, "v", 1);
    int r = link_query(link, &query, show_counter, c, connect_deadline(), &err);
    if (r == 0 && c->json)
        show_end(&object, stdout);
    buf_done(&object.line);
    return r < 0 ? connect_failed(link, &err, r) : ask_done(EXIT_ALL_WELL);
}

static const struct arg service_flags[] = {
    {0, "json", SETS_FLAG(struct cluster_command, json), NULL, "print one JSON object"},
    {0},
};
const struct args service_args = {
    .usage = "[--json]",
    .about = "Shows the coordinator's counters: chunks, peers, refused connections.\n",
    .tables = {CONNECT_TABLE(struct cluster_command), {.list = service_flags}}};

int cli_service(int argc, char **argv)
{
    return ask("service", &service_args, argc, argv, show_service);
}
