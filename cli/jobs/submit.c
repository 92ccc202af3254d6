// `fanmill submit`: a job that outlives this command.
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/fd.h"
#include "cli/follow/follow.h"
#include "cli/follow/whereabouts.h"
#include "cli/jobs/ask.h"
#include "cli/jobs/commands.h"
#include "cli/oneliner/oneliner.h"
#include "cli/text/show.h"
#include "pipelines/build/load.h"

struct submit_command {
    struct args_params params;
    struct connect connect;
    struct report_options report;
    bool wait;
    bool follow;
    bool json;
    int64_t timeout_ns;
    bool held;
    const char *priority; // NULL: as the job says
    const char *needs;
    struct job_need list[PROTO_NEEDS_MAX];
    uint32_t n_needs;
    struct plan *plan;
};

// "3,any:5". False: a mistake, which was told.
static bool read_needs(struct submit_command *s)
{
    const char *at = s->needs ? s->needs : "";
    while (*at) {
        struct job_need need = {.any = strncmp(at, "any:", 4) == 0};
        char *end;
        at += need.any ? 4 : 0;
        errno = 0;
        need.job = *at >= '0' && *at <= '9' ? strtoull(at, &end, 10) : 0;
        if (!need.job || errno || (*end && *end != ',') || (*end == ',' && !end[1])) {
            args_mistake("submit",
                         "--needs '%s': job numbers such as 3 or any:3, with commas "
                         "between them",
                         s->needs);
            return false;
        }
        if (s->n_needs == PROTO_NEEDS_MAX) {
            args_mistake("submit", "--needs: at most %u jobs", PROTO_NEEDS_MAX);
            return false;
        }
        s->list[s->n_needs++] = need;
        at = *end ? end + 1 : end;
    }
    return true;
}

static bool read_priority(const char *text, int32_t *ret)
{
    char *end;
    errno = 0;
    long n = strtol(text, &end, 10);
    if (!*text || *end || errno || n < -PLAN_PRIORITY_MAX || n > PLAN_PRIORITY_MAX) {
        args_mistake("submit", "--priority '%s': a number from -%d to %d", text, PLAN_PRIORITY_MAX,
                     PLAN_PRIORITY_MAX);
        return false;
    }
    *ret = (int32_t)n;
    return true;
}

static int follow_job(const struct submit_command *s, struct link *link, uint64_t job)
{
    struct sink_writer *sink = NULL;
    struct err err = {0};
    // A file is written by the coordinator; here we only watch.
    struct plan shown = {.name = s->plan->name, .sink = s->plan->sink};
    if (shown.sink.kind != SINK_STDOUT)
        shown.sink = (struct sink){.kind = SINK_NONE};
    struct report report = report_of(s->plan, &s->report);
    char place[PATH_MAX];
    whereabouts_of(s->plan, place);
    int r = s->follow ? sink_open(&shown, report_stdout, &report, &sink, &err) : 0;
    if (r < 0) {
        fprintf(stderr, "fanmill: %s\n", err.text);
        return EXIT_OUTPUT;
    }
    struct follow f = {.link = link, .job = job, .plan = s->plan, .report = &report, .sink = sink};
    follow_run(&f);
    if (sink && !f.sink_error && sink_finish(sink, &err) < 0)
        f.sink_error = -EIO;
    sink_close(sink);
    if (f.signal && !s->report.quiet)
        report_say(&report,
                   "job %" PRIu64 " goes on: fanmill wait %" PRIu64 ", fanmill cancel %" PRIu64,
                   job, job, job);
    else if (f.error)
        report_say(&report, "%s", link_trouble(link)[0] ? link_trouble(link) : strerror(-f.error));
    else if (f.info.fate == FATE_SOURCE || f.info.fate == FATE_INTERNAL)
        report_say(&report, "%s", f.info.text);
    if (!f.signal && !f.error && !f.sink_error)
        report_summary(&report, &f.info, fate_is_whole(f.info.fate) ? place : NULL);
    return follow_status(&f);
}

static int submit_job(struct link *link, void *arg)
{
    const struct submit_command *s = arg;
    const struct submit_request submission = {.plan = s->plan,
                                              .flags = SUBMIT_DETACHED |
                                                       (s->held ? (uint32_t)SUBMIT_HELD : 0),
                                              .timeout_ns = s->timeout_ns,
                                              .needs = s->list,
                                              .n_needs = s->n_needs};
    struct err err = {0};
    uint64_t job = 0;
    int r = link_submit(link, &submission, &job, connect_deadline(), &err);
    if (r < 0)
        return connect_failed(NULL, &err, r);
    if (s->follow) {
        if (!s->report.quiet)
            fprintf(stderr, "fanmill: job %" PRIu64 "\n", job);
    } else {
        if (s->json)
            show_number(stdout, "id", job);
        else
            printf("%" PRIu64 "\n", job);
        if (ask_done(EXIT_ALL_WELL) != EXIT_ALL_WELL)
            return EXIT_OUTPUT;
    }
    return s->wait || s->follow ? follow_job(s, link, job) : EXIT_ALL_WELL;
}

static int submit_plan(struct submit_command *s)
{
    int status = EXIT_USAGE;
    if (read_needs(s) && (!s->priority || read_priority(s->priority, &s->plan->priority)))
        status = connect_run(&s->connect, submit_job, s);
    plan_free(s->plan);
    return status;
}

static int submit_file(struct submit_command *s, const char *file)
{
    _cleanup_(load_report_done)
    struct load_report report = {0};
    const struct load_options load = {.params = s->params.list, .n_params = s->params.n};
    int r = load_file(file, &load, &s->plan, &report);
    fd_write_all(STDERR_FILENO, report.text.data, report.text.len);
    return r < 0 ? EXIT_USAGE : submit_plan(s);
}

static const char *const oneliners[] = {"map", "pipe", "call", NULL};

// Flags of how a job is run here, which a submitted job does not take.
static const char *local_flag(const struct run_options *run)
{
    return run->dry_run       ? "--dry-run"
           : run->propagate   ? "--propagate"
           : run->offers      ? "--jobserver"
           : run->hosts.n     ? "--host"
           : run->spool.bytes ? "--spool-limit"
           : run->spool.given ? "--spool-dir"
                              : NULL;
}

// Flags before the one-liner hold for it, too, unless it has others.
static int submit_oneliner(struct submit_command *s, int argc, char **argv)
{
    static const char *const names[] = {"submit map", "submit pipe", "submit call"};
    struct oneliner o = {.detached = true, .run.connect = s->connect, .run.report = s->report};
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
    const char *flag = local_flag(&o.run);
    if (flag)
        return args_mistake(o.command, "%s is only for jobs that run here: fanmill %s", flag,
                            oneliners[o.kind]);
    if (oneliner_plan(&o, &s->plan) < 0)
        return EXIT_USAGE;
    s->connect = o.run.connect;
    s->report = o.run.report;
    return submit_plan(s);
}

static const struct arg flags[] = {
    {'p', "param", SETS_PARAM(struct submit_command, params), "NAME=VALUE",
     "set a parameter of the job"},
    {'w', "wait", SETS_FLAG(struct submit_command, wait), NULL,
     "wait for the job to finish; exit with its status"},
    {'f', "follow", SETS_FLAG(struct submit_command, follow), NULL,
     "write its results as they come; exit with its status"},
    {0, "timeout", SETS_DURATION(struct submit_command, timeout_ns), "TIME",
     "end the job after TIME"},
    {0, "priority", SETS_TEXT(struct submit_command, priority), "N",
     "jobs with a higher one get workers first, -1000 to 1000; 0"},
    {0, "hold", SETS_FLAG(struct submit_command, held), NULL,
     "start nothing before 'fanmill release'"},
    {0, "needs", SETS_TEXT(struct submit_command, needs), "JOB[,JOB]...",
     "start once these jobs have ended well, or, with any:JOB, in any way"},
    {0, "json", SETS_FLAG(struct submit_command, json), NULL,
     "print the job's number as a JSON object"},
    {0},
};
const struct args submit_args = {
    .usage = "[-p NAME=VALUE]... [--wait | --follow] JOB.yaml\n"
             "       fanmill submit [--wait | --follow] map|pipe|call ...",
    .about = "Submits a job to a running coordinator and prints its number. The job runs without "
             "this command: its source is read, and a file or folder is written, where the "
             "coordinator runs; other results are kept there until 'fanmill forget'.\n",
    .more = "Exit status: 0 submitted; with --wait or --follow that of 'fanmill run'; 2 usage "
            "or job file; 3 no coordinator. Ctrl-C ends the waiting, not the job.\n",
    .tables = {{.list = flags},
               CONNECT_TABLE(struct submit_command),
               {.list = report_flags, .offset = offsetof(struct submit_command, report)}},
    .operands = {{.offer = OFFER_JOB_FILE}},
    .n_operands = 1,
    .n_required = 1,
    .commands = oneliners,
    .missing = "missing job: a job file, or map, pipe or call",
    .surplus = ": a job file is one word, and a one-liner begins with map, pipe or call"};

int cli_submit(int argc, char **argv)
{
    struct submit_command s = {0};
    struct word_list words;
    int status;
    int r = args_parse("submit", &submit_args, &s, argc, argv, &words, &status);
    if (r == 0)
        status = words.rest < argc ? submit_oneliner(&s, argc - words.rest, argv + words.rest)
                                   : submit_file(&s, words.list[0]);
    args_params_done(&s.params);
    return status;
}
