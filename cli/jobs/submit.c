// `fanmill submit`: a job that goes on when we are gone.
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fd.h"
#include "cli/args/args.h"
#include "cli/args/exit_code.h"
#include "cli/follow/connect.h"
#include "cli/follow/follow.h"
#include "cli/jobs/commands.h"
#include "cli/oneliner/oneliner.h"
#include "pipelines/build/load.h"

struct submit {
    struct args_params params;
    struct connect connect;
    bool wait;
    bool follow;
    bool quiet;
    bool json;
    int verbose;
    enum color color;
    const char *progress_word;
    enum progress_mode progress;
    int64_t timeout_ns;
    struct plan *plan;
};

static int write_stdout(void *arg, const void *data, size_t len)
{
    return report_stdout(arg, data, len);
}

static int follow_job(const struct submit *s, struct link *link, uint64_t job)
{
    struct sink_writer *sink = NULL;
    struct err err = {0};
    // A file is written by the coordinator; here we only look on.
    struct plan shown = {.name = s->plan->name, .sink = s->plan->sink};
    if (shown.sink.kind != SINK_STDOUT)
        shown.sink = (struct sink){.kind = SINK_NONE};
    struct report report = {.plan = s->plan,
                            .name = s->plan->name,
                            .quiet = s->quiet,
                            .verbose = s->verbose > 0,
                            .mode = s->progress,
                            .color = use_color(s->color)};
    int r = s->follow ? sink_open(&shown, write_stdout, &report, &sink, &err) : 0;
    if (r < 0) {
        fprintf(stderr, "fanmill: %s\n", err.text);
        return EXIT_OUTPUT;
    }
    struct follow f = {.link = link, .job = job, .plan = s->plan, .report = &report, .sink = sink};
    follow_run(&f);
    if (sink && !f.sink_error && sink_finish(sink, &err) < 0)
        f.sink_error = -EIO;
    sink_close(sink);
    if (f.signal && !s->quiet)
        report_say(&report,
                   "job %" PRIu64 " goes on: fanmill wait %" PRIu64 ", fanmill cancel %" PRIu64,
                   job, job, job);
    else if (f.error)
        report_say(&report, "%s", link_trouble(link)[0] ? link_trouble(link) : strerror(-f.error));
    else if (!f.sink_error)
        report_summary(&report, &f.info);
    return follow_status(&f);
}

static int submit_job(struct link *link, void *arg)
{
    const struct submit *s = arg;
    const struct submit_request submission = {
        .plan = s->plan, .flags = SUBMIT_DETACHED, .timeout_ns = s->timeout_ns};
    struct err err = {0};
    uint64_t job = 0;
    int r = link_submit(link, &submission, &job, clock_after(clock_now(), ANSWER_NS), &err);
    if (r < 0) {
        fprintf(stderr, "fanmill: %s\n", err.text);
        return r == -EHOSTDOWN || r == -ECONNRESET || r == -ECONNREFUSED || r == -ETIMEDOUT
                   ? EXIT_LOST
                   : EXIT_USAGE;
    }
    if (s->follow) {
        if (!s->quiet)
            fprintf(stderr, "fanmill: job %" PRIu64 "\n", job);
    } else {
        printf(s->json ? "{\"v\":1,\"id\":%" PRIu64 "}\n" : "%" PRIu64 "\n", job);
        if (fflush(stdout) != 0)
            return EXIT_OUTPUT;
    }
    return s->wait || s->follow ? follow_job(s, link, job) : EXIT_ALL_WELL;
}

static int submit_plan(struct submit *s)
{
    int status = connect_run(&s->connect, submit_job, s);
    plan_free(s->plan);
    return status;
}

static int submit_file(struct submit *s, const char *file)
{
    _cleanup_(load_report_done)
    struct load_report report = {0};
    const struct load_options load = {.params = s->params.list, .n_params = s->params.n};
    int r = load_file(file, &load, &s->plan, &report);
    fd_write_all(STDERR_FILENO, report.text.data, report.text.len);
    return r < 0 ? EXIT_USAGE : submit_plan(s);
}

static const char *const oneliners[] = {"map", "pipe", "call", NULL};

// A one-liner says some things itself; what stands in front of it holds too.
static int submit_oneliner(struct submit *s, int argc, char **argv)
{
    static const char *const names[] = {"submit map", "submit pipe", "submit call"};
    struct oneliner o = {.detached = true};
    int status;
    for (int i = ONELINER_MAP; i <= ONELINER_CALL; i++)
        if (strcmp(oneliners[i], argv[0]) == 0)
            o.kind = (enum oneliner_kind)i;
    o.command = names[o.kind];
    if (s->params.n)
        return args_mistake(o.command, "-p goes with a job file");
    if (oneliner_read(&o, argc - 1, argv + 1, &status) != 0)
        return status;
    if (run_check(o.command, &o.run, &status) < 0)
        return status;
    const char *here = o.run.dry_run       ? "--dry-run"
                       : o.run.propagate   ? "--propagate"
                       : o.run.offers      ? "--jobserver"
                       : o.run.hosts.n     ? "--host"
                       : o.run.spool.limit ? "--spool-limit"
                       : o.run.spool.given ? "--spool-dir"
                                           : NULL;
    if (here)
        return args_mistake(o.command, "%s goes with a job that is run here", here);
    if (o.run.progress_word)
        s->progress = o.run.progress;
    if (oneliner_plan(&o, &s->plan) < 0)
        return EXIT_USAGE;
    if (o.run.connect.where)
        s->connect.where = o.run.connect.where;
    if (o.run.connect.key)
        s->connect.key = o.run.connect.key;
    s->quiet |= o.run.quiet;
    s->verbose += o.run.verbose;
    if (o.run.color != COLOR_AUTO)
        s->color = o.run.color;
    return submit_plan(s);
}

int cli_submit(int argc, char **argv)
{
    struct submit s = {0};
    struct words words;
    int status;
    const struct arg table[] = {
        {'p', "param", ARG_PARAM, &s.params, "NAME=VALUE", "set a parameter of the job"},
        {'w', "wait", ARG_FLAG, &s.wait, NULL, "until it has ended; the exit status tells how"},
        {'f', "follow", ARG_FLAG, &s.follow, NULL, "write its results as they come"},
        {0, "timeout", ARG_DURATION, &s.timeout_ns, "TIME", "the job is ended after it"},
        CONNECT_ARGS(s.connect),
        {0, "json", ARG_FLAG, &s.json, NULL, "an object with the job's number"},
        {'q', "quiet", ARG_FLAG, &s.quiet, NULL, "no failures, no progress"},
        {'v', "verbose", ARG_COUNT, &s.verbose, NULL, "every failure"},
        {0, "color", ARG_WHEN, &s.color, "WHEN", "auto, always or never"},
        {0, "progress", ARG_TEXT, &s.progress_word, "WHEN", "auto, always, never or json"},
    };
    const struct args args = {
        .command = "submit",
        .usage = "[-p NAME=VALUE]... [--wait | --follow] JOB.yaml\n"
                 "       fanmill submit [--wait | --follow] map|pipe|call ...",
        .about = "Gives a job to a running coordinator and prints its number. The job goes on by "
                 "itself: its source\nis read, and a file or folder is written, where the "
                 "coordinator runs; other results are kept\nthere until 'fanmill forget'.\n",
        .more =
            "Exit status: 0 submitted; with --wait and --follow as 'fanmill run'; 2 usage or job "
            "file;\n3 no coordinator. Ctrl-C ends the waiting, not the job.\n",
        .table = table,
        .n = sizeof(table) / sizeof(table[0]),
        .words_min = 1,
        .words_max = 1,
        .commands = oneliners,
        .missing = "which job? give a job file, or map, pipe or call and what belongs to them"};
    int r = args_parse(&args, argc, argv, &words, &status);
    if (r == 0 && s.progress_word && progress_mode_parse(s.progress_word, &s.progress) < 0) {
        status = args_mistake("submit", PROGRESS_MISTAKE, s.progress_word);
        r = -EINVAL;
    }
    if (r == 0)
        status = words.rest < argc ? submit_oneliner(&s, argc - words.rest, argv + words.rest)
                                   : submit_file(&s, words.list[0]);
    args_params_done(&s.params);
    return status;
}
