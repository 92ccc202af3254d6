// `fanmill top`: workers and jobs, again and again.
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "async/group.h"
#include "async/io.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "cli/jobs/ask.h"
#include "cli/jobs/commands.h"
#include "cli/jobs/picture.h"
#include "cli/jobs/tables.h"
#include "cli/text/color.h"
#include "cli/text/show.h"
#include "cli/text/terminal.h"

#define LOOK_NS NS_PER_S

struct top_command {
    struct connect connect;
    bool json;
    struct link *link;
    struct json_writer *w; // the object being written
    struct buf workers;    // rows, as they were last looked at
    struct buf jobs;
    int error;
    struct picture picture;
    struct waitq news; // a key, a signal
    bool is_over;
    int signal; // that ended it
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

// ---- for people

static void keep_worker(void *arg, const void *row)
{
    struct top_command *c = arg;
    if (c->error == 0)
        c->error = buf_add(&c->workers, row, sizeof(struct worker_info));
}

static void keep_job(void *arg, const void *row)
{
    struct top_command *c = arg;
    if (c->error == 0)
        c->error = buf_add(&c->jobs, row, sizeof(struct job_info));
}

static int look(struct top_command *c, struct err *err)
{
    buf_clear(&c->workers);
    buf_clear(&c->jobs);
    c->error = 0;
    int r = link_query(c->link, &all_workers, keep_worker, c, connect_deadline(), err);
    if (r == 0)
        r = link_query(c->link, &all_jobs, keep_job, c, connect_deadline(), err);
    if (r == 0 && c->error < 0)
        r = err_sys(err, c->error, "the list of jobs");
    return r;
}

static int write_picture(struct top_command *c, struct err *err)
{
    time_t now = time(NULL);
    struct tm local;
    size_t rows, columns;
    struct picture *p = &c->picture;
    _cleanup_(buf_done)
    struct buf lines = {0};
    _cleanup_(buf_done)
    struct buf out = {0};
    p->workers = (const struct worker_info *)(void *)c->workers.data;
    p->n_workers = c->workers.len / sizeof(*p->workers);
    p->jobs = (struct job_info *)(void *)c->jobs.data;
    p->n_jobs = c->jobs.len / sizeof(*p->jobs);
    localtime_r(&now, &local);
    strftime(p->time, sizeof(p->time), "%H:%M:%S", &local);
    terminal_size(STDOUT_FILENO, &rows, &columns);
    int r = picture_draw(p, rows, columns, &lines);
    // Each line ends what the last picture had there, so nothing flickers.
    if (r == 0)
        r = buf_add_str(&out, "\033[H");
    for (size_t i = 0; r == 0 && i < lines.len; i++)
        r = lines.data[i] == '\n' ? buf_add_str(&out, "\033[K\r\n")
                                  : buf_add(&out, lines.data + i, 1);
    if (r == 0)
        r = buf_add_str(&out, "\033[J");
    if (r == 0)
        r = io_write(STDOUT_FILENO, out.data, out.len);
    return r < 0 && r != -ECANCELED ? err_sys(err, r, "the terminal") : r;
}

static int watch_keys(void *arg)
{
    struct top_command *c = arg;
    char keys[64];
    ssize_t n;
    while ((n = io_read(STDIN_FILENO, keys, sizeof(keys))) > 0) {
        for (ssize_t at = 0; at < n;) {
            // An escape sequence comes in one piece: ESC, [ or O, digits, a letter or ~.
            ssize_t len = 1;
            if (keys[at] == '\033' && at + 1 < n && (keys[at + 1] == '[' || keys[at + 1] == 'O'))
                for (len = 2; at + len < n && (unsigned char)keys[at + len] < 0x40; len++)
                    ;
            len += len > 1 && at + len < n;
            if (!picture_key(&c->picture, keys + at, (size_t)len))
                c->is_over = true;
            at += len;
        }
        waitq_wake_all(&c->news);
    }
    return 0;
}

static int watch_signals(void *arg)
{
    struct top_command *c = arg;
    const int list[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGCONT, SIGWINCH};
    struct signals signals;
    int number;
    if (signals_open(list, sizeof(list) / sizeof(list[0]), &signals) < 0)
        return 0;
    while (!c->is_over && (number = signals_next(&signals)) > 0) {
        if (number == SIGTSTP) {
            terminal_leave();
            kill(getpid(), SIGSTOP);
            terminal_enter(STDIN_FILENO, STDOUT_FILENO);
        } else if (number != SIGWINCH && number != SIGCONT) {
            c->signal = number;
            c->is_over = true;
        }
        waitq_wake_all(&c->news);
    }
    signals_close(&signals);
    return 0;
}

// A second between two looks, and more where a look takes long: most of the time the coordinator is
// left alone.
static int keep_drawing(struct top_command *c, struct err *err)
{
    int r = 0;
    int64_t next = 0;
    while (r == 0 && !c->is_over) {
        int64_t begun = clock_now();
        if (begun >= next && !c->picture.is_paused) {
            r = look(c, err);
            int64_t took = clock_now() - begun;
            next = clock_after(clock_now(), took * 4 > LOOK_NS ? took * 4 : LOOK_NS);
        }
        if (r == 0 && !c->is_over)
            r = write_picture(c, err);
        if (r == 0 && !c->is_over)
            r = waitq_wait_until(&c->news, c->picture.is_paused ? CLOCK_FOREVER : next);
        if (r == -ETIMEDOUT)
            r = 0;
    }
    return r == -ECANCELED ? 0 : r;
}

static int print_once(struct top_command *c, struct err *err)
{
    struct table table;
    int r = look(c, err);
    if (r < 0)
        return r;
    size_t n = c->workers.len / sizeof(struct worker_info);
    worker_table_begin(&table);
    for (size_t i = 0; i < n; i++)
        worker_table_add(&table, (const struct worker_info *)(void *)c->workers.data + i);
    r = n ? table_print(&table, 0, n, 0, stdout) : printf("no workers\n") < 0 ? -EIO : 0;
    table_done(&table);
    n = c->jobs.len / sizeof(struct job_info);
    job_table_begin(&table);
    for (size_t i = 0; i < n; i++)
        job_table_add(&table, (const struct job_info *)(void *)c->jobs.data + i);
    printf("\n");
    if (r == 0)
        r = n ? table_print(&table, 0, n, 0, stdout) : printf("no jobs\n") < 0 ? -EIO : 0;
    table_done(&table);
    return r < 0 ? err_sys(err, r, "standard output") : 0;
}

static int draw_until_over(struct top_command *c, struct err *err)
{
    struct group group;
    c->picture.has_color = use_color_on(COLOR_AUTO, STDOUT_FILENO);
    c->picture.part = PICTURE_LIVE;
    int r =
        look(c, err); // before the screen is taken: what can't be reached is told on the old one
    if (r == 0)
        r = terminal_enter(STDIN_FILENO, STDOUT_FILENO);
    if (r < 0)
        return r;
    group_open(&group);
    r = group_spawn(&group, "signals", watch_signals, c);
    if (r == 0 && isatty(STDIN_FILENO))
        r = group_spawn(&group, "keys", watch_keys, c);
    if (r == 0)
        r = keep_drawing(c, err);
    group_cancel(&group);
    group_wait(&group);
    terminal_leave();
    return r;
}

static int show_top(struct link *link, void *arg)
{
    struct top_command *c = arg;
    struct err err = {0};
    c->link = link;
    int r = c->json                  ? write_object(c, &err)
            : !isatty(STDOUT_FILENO) ? print_once(c, &err)
                                     : draw_until_over(c, &err);
    buf_done(&c->workers);
    buf_done(&c->jobs);
    if (r < 0)
        return connect_failed(link, &err, r);
    // Ctrl-C is a way to leave it, as q is.
    return c->signal && c->signal != SIGINT ? EXIT_SIGNAL + c->signal : ask_done(EXIT_ALL_WELL);
}

static const struct arg flags[] = {
    {0, "json", SETS_FLAG(struct top_command, json), NULL,
     "print workers and jobs once, as one JSON object"},
    {0},
};
const struct args top_args = {
    .usage = "[--json]",
    .about =
        "Shows workers, jobs that have not ended, those that ended badly and the others, updated "
        "every second. Prints them once when standard output is not a terminal.\n"
        "\n"
        "  q                 quit, as Ctrl-C\n"
        "  arrows, Page Up   move in a list; Tab takes the next one\n"
        "  s                 sort jobs another way; or by a letter: n newest,\n"
        "                    f failed, r running, t time, a name, u user\n"
        "  p                 pause\n",
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
