// `fanmill results` and `fanmill logs`: what a coordinator keeps of a job.
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "async/io.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "cli/args/args.h"
#include "cli/args/exit_code.h"
#include "cli/follow/connect.h"
#include "cli/follow/follow.h"
#include "cli/jobs/commands.h"
#include "pipelines/json.h"

struct reading {
    struct connect connect;
    uint64_t first, last;
    uint64_t from;
    bool follow;
    bool json;
    bool logs;
    bool quiet;
    struct job_info job;
};

static int write_stdout(void *arg, const void *data, size_t len)
{
    (void)arg;
    return io_write(STDOUT_FILENO, data, len);
}

static void keep_row(void *arg, const void *row)
{
    ((struct reading *)arg)->job = *(const struct job_info *)row;
}

static int trouble(struct link *link, const struct err *err, int r)
{
    fprintf(stderr, "fanmill: %s\n", link_trouble(link)[0] ? link_trouble(link) : err->text);
    return r == -EHOSTDOWN || r == -ECONNRESET || r == -ECONNREFUSED ? EXIT_LOST : EXIT_USAGE;
}

// What a chunk wrote to stderr and why it failed, as one object; nothing for one without either.
static int write_log_json(struct buf *out, const struct result_record *record)
{
    const struct wire_record *w = &record->head;
    buf_clear(out);
    if (!w->stderr_len && !w->error)
        return 0;
    int r = buf_printf(out,
                       "{\"v\":1,\"seq\":%" PRIu64 ",\"offset\":%" PRIu64
                       ",\"step\":%u,\"chunk\":%" PRIu64 ",\"attempts\":%u",
                       w->chunk + 1, record->offset, w->step, w->chunk, w->attempt);
    if (r == 0 && w->error)
        r = json_text(out, "error", w->error, w->error_len);
    if (r == 0)
        r = json_text(out, "stderr", w->stderr_len ? w->stderr_text : "", w->stderr_len);
    if (r == 0)
        r = buf_add(out, "}\n", 2);
    return r < 0 ? r : io_write(STDOUT_FILENO, out->data, out->len);
}

// "7| text" for each line of what chunk 7 wrote.
static int write_log(struct buf *out, const struct wire_record *w)
{
    buf_clear(out);
    for (size_t at = 0; at < w->stderr_len;) {
        const char *line = w->stderr_text + at;
        const char *end = memchr(line, '\n', w->stderr_len - at);
        size_t len = end ? (size_t)(end - line) : w->stderr_len - at;
        int r = buf_printf(out, "%" PRIu64 "| %.*s\n", w->chunk, (int)len, line);
        if (r < 0)
            return r;
        at += len + 1;
    }
    if (w->error &&
        buf_printf(out, "%" PRIu64 "| failed: %.*s\n", w->chunk, (int)w->error_len, w->error) < 0)
        return -ENOMEM;
    return out->len ? io_write(STDOUT_FILENO, out->data, out->len) : 0;
}

static int read_logs(struct reading *reading, struct link *link, uint64_t end, struct err *err)
{
    _cleanup_(buf_done)
    struct buf out;
    const struct results_options options = {.job = reading->job.id, .from = reading->from};
    struct results *results;
    struct result_record record;
    buf_init(&out, 0);
    int r = results_open(link, &options, &results);
    if (r < 0)
        return err_sys(err, r, "the job");
    while (reading->from < end && (r = results_next(results, CLOCK_FOREVER, &record)) == 1) {
        r = reading->json ? write_log_json(&out, &record) : write_log(&out, &record.head);
        reading->from = record.offset + 1;
        if (r < 0) {
            err_sys(err, r, "standard output");
            break;
        }
    }
    if (r < 0 && !err->text[0])
        err_sys(err, r, "the stream");
    results_close(results, CLOSE_LEAVE, clock_after(clock_now(), ANSWER_NS));
    return r < 0 ? r : 0;
}

static int read_results(struct reading *reading, struct link *link, uint64_t end, struct err *err)
{
    const struct plan shown = {.name = reading->job.name,
                               .sink = {.kind = SINK_STDOUT,
                                        .format = reading->json ? FORMAT_JSON : FORMAT_RAW,
                                        .failed_too = reading->job.failed_too}};
    struct sink_writer *sink = NULL;
    struct report report = {.name = reading->job.name, .quiet = true};
    struct follow f = {
        .link = link, .job = reading->job.id, .from = reading->from, .end = end, .report = &report};
    int r = sink_open(&shown, write_stdout, NULL, &sink, err);
    if (r < 0)
        return EXIT_OUTPUT;
    f.sink = sink;
    follow_run(&f);
    if (!f.sink_error && sink_finish(sink, err) < 0)
        f.sink_error = -EPIPE;
    sink_close(sink);
    if (f.error == -ESTALE)
        fprintf(stderr, "fanmill: the results before %" PRIu64 " are not kept any more\n",
                reading->from + 1);
    else if (f.error)
        fprintf(stderr, "fanmill: %s\n",
                link_trouble(link)[0] ? link_trouble(link) : strerror(-f.error));
    // What is shown of a job that goes on says nothing about its end.
    if (!f.error && !f.sink_error && !f.signal && end != UINT64_MAX)
        return EXIT_ALL_WELL;
    return follow_status(&f);
}

static int read_job(struct link *link, void *arg)
{
    struct reading *reading = arg;
    const struct msg_query query = {
        .what = QUERY_JOBS, .first = reading->first, .last = reading->last};
    struct err err = {0};
    int r = link_query(link, &query, keep_row, reading, clock_after(clock_now(), ANSWER_NS), &err);
    if (r == 0 && !reading->job.id)
        r = err_set(&err, -ENOENT, "there is no such job");
    if (r == 0 && !reading->job.detached)
        r = err_set(&err, -EACCES, "the results of job %" PRIu64 " go to the one who runs it",
                    reading->job.id);
    if (r < 0)
        return trouble(link, &err, r);
    bool ended = reading->job.phase == PHASE_ENDED;
    uint64_t end = reading->follow || ended ? UINT64_MAX : reading->job.records;
    if (reading->from >= end) {
        fprintf(stderr, "fanmill: job %" PRIu64 " has %" PRIu64 " results so far; --follow waits\n",
                reading->job.id, reading->job.records);
        return EXIT_ALL_WELL;
    }
    if (!reading->logs)
        return read_results(reading, link, end, &err);
    r = read_logs(reading, link, end, &err);
    if (r == -EPIPE)
        return EXIT_SIGNAL + 13;
    return r < 0 ? trouble(link, &err, r) : EXIT_ALL_WELL;
}

static int read_command(const struct args *args, struct reading *reading, int argc, char **argv)
{
    struct words words;
    int status;
    if (args_parse(args, argc, argv, &words, &status) != 0)
        return status;
    const char *word = words.n ? words.list[0] : "last";
    if (select_jobs(word, &reading->first, &reading->last) < 0 || reading->first != reading->last)
        return args_mistake(args->command, "which job? a number or last, not '%s'", word);
    return connect_run(&reading->connect, read_job, reading);
}

int cli_results(int argc, char **argv)
{
    struct reading reading = {0};
    const struct arg table[] = {
        CONNECT_ARGS(reading.connect),
        {'f', "follow", ARG_FLAG, &reading.follow, NULL, "go on until the job has ended"},
        {0, "from", ARG_NUMBER, &reading.from, "OFFSET", "begin with this result, from 0"},
        {0, "json", ARG_FLAG, &reading.json, NULL, "an object for each, failures included"},
    };
    const struct args args = {
        .command = "results",
        .usage = "[JOB] [--follow] [--from OFFSET] [--json]",
        .about = "Writes the results of a detached job, in the job's order: those that are there, "
                 "or with --follow\nall to its end. The place of a result never changes: who notes "
                 "how many were used goes on from\nthere.\n",
        .more = "Exit status: of a job that has ended, as 'fanmill run' would have it; else 0.\n",
        .table = table,
        .n = sizeof(table) / sizeof(table[0]),
        .words_max = 1};
    return read_command(&args, &reading, argc, argv);
}

int cli_logs(int argc, char **argv)
{
    struct reading reading = {.logs = true};
    const struct arg table[] = {
        CONNECT_ARGS(reading.connect),
        {'f', "follow", ARG_FLAG, &reading.follow, NULL, "go on until the job has ended"},
        {0, "from", ARG_NUMBER, &reading.from, "OFFSET", "begin with this result, from 0"},
        {0, "json", ARG_FLAG, &reading.json, NULL, "an object for each chunk that said something"},
    };
    const struct args args = {.command = "logs",
                              .usage = "[JOB] [--follow] [--json]",
                              .about =
                                  "Writes what the chunks of a detached job wrote to standard "
                                  "error (the last 64 KiB of each),\nand why they failed; each "
                                  "line behind the chunk's number.\n",
                              .table = table,
                              .n = sizeof(table) / sizeof(table[0]),
                              .words_max = 1};
    return read_command(&args, &reading, argc, argv);
}
