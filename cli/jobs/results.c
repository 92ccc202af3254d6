// `fanmill results` and `fanmill logs`: what a coordinator keeps of a job.
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "async/io.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/utf8.h"
#include "cli/follow/follow.h"
#include "cli/jobs/ask.h"
#include "cli/jobs/commands.h"
#include "cli/text/count.h"
#include "cli/text/show.h"
#include "pipelines/json_writer.h"

struct reading {
    struct connect connect;
    struct job_range jobs;
    uint64_t from;
    bool follow;
    bool json;
    bool logs;
    bool has_logs; // something was printed
    struct job_info job;
};

// What a chunk wrote to stderr and why it failed, as one object; nothing for one without either.
static int write_log_json(struct buf *out, const struct result_record *record)
{
    const struct record_entry *entry = &record->head;
    struct json_writer w = {.out = out};
    bool is_ok = entry->ending.outcome == OUTCOME_OK;
    buf_clear(out);
    _cleanup_(buf_done)
    struct buf errors = {0};
    if (!record->n_errors && !entry->error)
        return 0;
    for (size_t i = 0; i < record->n_errors && w.error == 0; i++)
        w.error = buf_add(&errors, record->errors[i].data, record->errors[i].len);
    json_open(&w);
    json_put_number(&w, "v", 1);
    json_put_number(&w, "seq", entry->chunk + 1);
    json_put_number(&w, "offset", record->offset);
    json_put_number(&w, "step", entry->step);
    json_put_number(&w, "chunk", entry->chunk);
    if (entry->item_first != entry->chunk)
        json_put_number(&w, "first_item", entry->item_first + 1);
    json_put_number(&w, "attempts", entry->attempt);
    if (entry->error)
        json_put_bytes(&w, is_ok ? "note" : "error", entry->error, entry->error_len);
    if (entry->ending.leftovers)
        json_put_number(&w, "leftovers", entry->ending.leftovers);
    json_put_bytes(&w, "stderr", errors.data, errors.len);
    int r = json_done(&w);
    return r < 0 ? r : io_write(STDOUT_FILENO, out->data, out->len);
}

// Adds "7| " before each line. `mid_line`: the one before goes on, from call to call.
static int add_log(struct buf *out, uint64_t number, const struct slice *text, bool *mid_line)
{
    int r = 0;
    for (size_t at = 0; at < text->len && r == 0;) {
        const uint8_t *line = text->data + at;
        const uint8_t *end = memchr(line, '\n', text->len - at);
        size_t len = end ? (size_t)(end - line) + 1 : text->len - at;
        r = *mid_line ? 0 : buf_printf(out, "%" PRIu64 "| ", number);
        if (r == 0)
            r = buf_add(out, line, len);
        *mid_line = !end;
        at += len;
    }
    return r;
}

// What a command wrote reaches a file as it is, but steers no terminal.
static int put_log(struct buf *out)
{
    if (out->len && isatty(STDOUT_FILENO))
        utf8_make_harmless((char *)out->data, out->len);
    int r = out->len ? io_write(STDOUT_FILENO, out->data, out->len) : 0;
    buf_clear(out);
    return r;
}

// "7| text" for each line that the job's seventh chunk wrote.
static int write_log(struct buf *out, const struct result_record *record)
{
    const struct record_entry *entry = &record->head;
    uint64_t number = entry->chunk + 1;
    bool mid_line = false;
    int r = 0;
    buf_clear(out);
    for (size_t i = 0; i < record->n_errors && r == 0; i++) {
        r = add_log(out, number, &record->errors[i], &mid_line);
        if (r == 0)
            r = put_log(out);
    }
    if (r == 0 && mid_line)
        r = buf_add(out, "\n", 1);
    if (r == 0 && entry->error)
        r = buf_printf(out, "%" PRIu64 "| %s: %.*s\n", number,
                       entry->ending.outcome == OUTCOME_OK ? "note" : "failed",
                       (int)entry->error_len, entry->error);
    return r < 0 ? r : put_log(out);
}

// What ended the job itself, after all its chunks.
static int write_log_end(const struct reading *reading, const struct job_info *job)
{
    _cleanup_(buf_done)
    struct buf out = {0};
    const char *why = job_trouble(job);
    struct json_writer w = {.out = &out};
    if (!why[0])
        return 0;
    if (reading->json) {
        json_open(&w);
        json_put_number(&w, "v", 1);
        json_put_text(&w, "job", job_state_name(job));
        json_put_text(&w, "error", why);
        json_done(&w);
    } else {
        buf_printf(&out, "job| %s: %s\n", job_state_name(job), why);
    }
    return io_write(STDOUT_FILENO, out.data, out.len);
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
        r = reading->json ? write_log_json(&out, &record) : write_log(&out, &record);
        reading->from = record.offset + 1;
        reading->has_logs |= record.n_errors > 0 || record.head.error;
        if (r < 0) {
            err_sys(err, r, "standard output");
            break;
        }
    }
    if (r == 0)
        r = write_log_end(reading, results_job(results));
    if (r < 0 && !err->text[0])
        err_sys(err, r, "the stream");
    results_close(results, CANCEL_NONE, connect_deadline());
    return r < 0 ? r : 0;
}

static int read_results(struct reading *reading, struct link *link, uint64_t end, struct err *err)
{
    const struct plan shown = {.name = reading->job.name,
                               .sink = {.kind = SINK_STDOUT,
                                        .format = reading->json ? FORMAT_JSON : FORMAT_RAW,
                                        .failed_too = reading->job.failed_too}};
    struct sink_writer *sink = NULL;
    struct report report = {
        .name = reading->job.name, .quiet = true, .shows_errors = !reading->json};
    struct follow f = {
        .link = link, .job = reading->job.id, .from = reading->from, .end = end, .report = &report};
    int r = sink_open(&shown, report_stdout, &report, &sink, err);
    if (r < 0)
        return EXIT_OUTPUT;
    f.sink = sink;
    follow_run(&f);
    if (!f.sink_error && sink_finish(sink, err) < 0)
        f.sink_error = -EPIPE;
    sink_close(sink);
    if (f.error == -ESTALE)
        fprintf(stderr, "fanmill: results before %" PRIu64 " are no longer kept\n",
                reading->from + 1);
    else if (f.error)
        fprintf(stderr, "fanmill: %s\n",
                link_trouble(link)[0] ? link_trouble(link) : strerror(-f.error));
    // Results of a job that is still running say nothing about its end.
    if (!f.error && !f.sink_error && !f.signal && end != UINT64_MAX)
        return EXIT_ALL_WELL;
    return follow_status(&f);
}

// What was not printed, and where the results are besides.
static void tell_rest(const struct reading *reading, uint64_t end)
{
    const struct job_info *job = &reading->job;
    if (end != UINT64_MAX)
        fprintf(stderr, "fanmill: job %" PRIu64 " is %s: %s so far; --follow waits for the rest\n",
                job->id, job_state_name(job), count(end, "result").text);
    else if (!reading->logs && job->sink[0] && isatty(STDERR_FILENO))
        fprintf(stderr, "fanmill: the results of job %" PRIu64 " are also in %s\n", job->id,
                job->sink);
}

static int read_job(struct link *link, void *arg)
{
    struct reading *reading = arg;
    struct err err = {0};
    int r = connect_job(link, reading->jobs.first, reading->jobs.last, connect_deadline(),
                        &reading->job, &err);
    if (r == 0 && !reading->job.detached)
        r = err_set(&err, -EACCES,
                    "only the client that submitted job %" PRIu64 " receives its results",
                    reading->job.id);
    if (r < 0)
        return connect_failed(link, &err, r);
    bool ended = reading->job.phase == PHASE_ENDED;
    uint64_t end = reading->follow || ended ? UINT64_MAX : reading->job.records;
    if (reading->from >= end) {
        tell_rest(reading, reading->job.records);
        return EXIT_ALL_WELL;
    }
    if (!reading->logs) {
        int status = read_results(reading, link, end, &err);
        tell_rest(reading, end);
        return status;
    }
    r = read_logs(reading, link, end, &err);
    if (r == -EPIPE)
        return EXIT_SIGNAL + SIGPIPE;
    if (r < 0)
        return connect_failed(link, &err, r);
    if (!reading->has_logs && !reading->json)
        fprintf(stderr,
                "fanmill: no chunk of job %" PRIu64 "%s failed or wrote to standard error\n",
                reading->job.id, end == UINT64_MAX ? "" : " so far");
    tell_rest(reading, end);
    return EXIT_ALL_WELL;
}

static int read_command(const char *command, const struct args *args, struct reading *reading,
                        int argc, char **argv)
{
    int status;
    if (ask_parse(command, args, reading, argc, argv, "last", &reading->jobs, &status) != 0)
        return status;
    if (reading->jobs.first != reading->jobs.last)
        return args_mistake(command, "one job at a time");
    return connect_run(&reading->connect, read_job, reading);
}

static const struct arg read_flags[] = {
    {'f', "follow", SETS_FLAG(struct reading, follow), NULL, "go on until the job has finished"},
    {0, "from", SETS_NUMBER(struct reading, from), "N",
     "leave out the first N results: those that were used already"},
    {0},
};

static const struct arg results_flags[] = {
    {0, "json", SETS_FLAG(struct reading, json), NULL,
     "print a JSON object per chunk, failed ones too"},
    {0},
};
const struct args results_args = {
    .usage = "[JOB] [--follow] [--from N] [--json]",
    .about = "Writes the results of a detached job in the job's order: those that have come so "
             "far, or with --follow all of them. The default is the last job. The place of a "
             "result never changes, so a reader that counts what it used can resume there.\n",
    .more = "Exit status: that of 'fanmill run' if the job has finished, else 0.\n",
    .tables = {CONNECT_TABLE(struct reading), {.list = read_flags}, {.list = results_flags}},
    .n_operands = 1};

int cli_results(int argc, char **argv)
{
    struct reading reading = {0};
    return read_command("results", &results_args, &reading, argc, argv);
}

static const struct arg logs_flags[] = {
    {0, "json", SETS_FLAG(struct reading, json), NULL,
     "print a JSON object for each chunk that failed or wrote something"},
    {0},
};
const struct args logs_args = {
    .usage = "[JOB] [--follow] [--from N] [--json]",
    .about = "Prints what the chunks of a detached job wrote to standard error (the last 64 KiB "
             "of each) and why they failed. Each line begins with the chunk's number, "
             "counted from 1. The default is the last job.\n",
    .tables = {CONNECT_TABLE(struct reading), {.list = read_flags}, {.list = logs_flags}},
    .n_operands = 1};

int cli_logs(int argc, char **argv)
{
    struct reading reading = {.logs = true};
    return read_command("logs", &logs_args, &reading, argc, argv);
}
