// `fanmill coordinator`: the long-running one.
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "async/group.h"
#include "async/io.h"
#include "base/cleanup.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/notify.h"
#include "cli/args/args.h"
#include "cli/args/exit_code.h"
#include "cli/attendant/attendants.h"
#include "cli/attendant/confine.h"
#include "cli/run/spooling.h"
#include "cli/service/commands.h"
#include "cli/service/logging.h"
#include "cli/service/state.h"
#include "client/find.h"
#include "coordinator/server.h"
#include "transport/keys.h"
#include "transport/zsock.h"

struct service {
    const char *listen;
    const char *folder; // --state
    const char *record;
    struct logging logging;
    struct state state;
    char endpoint[ACCESS_ENDPOINT_MAX];
    struct confine confine;          // the attendants'
    char runtime[PATH_MAX];          // of its fences
    char spare[ACCESS_ENDPOINT_MAX]; // in the state folder: it outlives a logout; "" none
    struct keypair keys;
    struct server *server;
    struct attendants *attendants;
    struct args_list reads; // --jobs-may-read
    struct args_list writes;
    struct spool_options spool;
    uint64_t keep_jobs; // 0: the usual
    uint64_t keep_bytes;
    int64_t keep_age_ns;
    struct signals signals;
    struct event_flag over;
    int status;
};

static void on_open_door(void *arg, const char *why)
{
    struct service *s = arg;
    log_error("stopping: unauthenticated peers are not refused", "reason=\"%s\"", why);
    s->status = EXIT_FAULT;
    event_flag_set(&s->over);
}

static int attend(void *arg, const struct attend_request *request, struct err *err)
{
    struct service *s = arg;
    return attendants_begin(s->attendants, request, err);
}

static void attend_kill(void *arg, uint64_t job)
{
    struct service *s = arg;
    attendants_kill(s->attendants, job);
}

// Whoever asks gets it, also with --quiet.
static void dump(const struct service *s)
{
    enum log_level before = log_level();
    if (before < LOG_INFO)
        log_set_level(LOG_INFO);
    server_dump(s->server);
    log_set_level(before);
}

static int watch_signals(void *arg)
{
    struct service *s = arg;
    int number;
    while ((number = signals_next(&s->signals)) == SIGHUP || number == SIGUSR1) {
        if (number == SIGHUP)
            server_reload(s->server);
        else
            dump(s);
    }
    if (number > 0)
        event_flag_set(&s->over);
    return 0;
}

// Its key and allow-list are made when they are first needed.
static int prepare_keys(struct service *s, char *ret_list, struct err *err)
{
    char path[PATH_MAX];
    int r = state_path(&s->state, "coordinator.key", path, err);
    if (r == 0)
        r = keyfile_read(path, &s->keys, err);
    if (r == -ENOENT) {
        r = keypair_new(&s->keys, err);
        if (r == 0)
            r = keyfile_write(path, &s->keys, err);
    }
    if (r == 0)
        r = state_path(&s->state, "peers", ret_list, err);
    if (r == 0 && mkdir(ret_list, 0700) < 0 && errno != EEXIST)
        r = err_sys(err, -errno, "'%s'", ret_list);
    return r;
}

static int note_address(const struct service *s, struct err *err)
{
    char path[PATH_MAX];
    const char *endpoint = server_endpoint(s->server);
    int r = state_path(&s->state, "listen", path, err);
    if (r < 0)
        return r;
    _close_ int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    r = fd < 0 ? -errno : fd_write_all(fd, endpoint, strlen(endpoint));
    return r < 0 ? err_sys(err, r, "'%s'", path) : 0;
}

static int publish(struct service *s, struct err *err)
{
    struct access access = {.n_endpoints = 1, .role = ROLE_ADMIN};
    snprintf(access.endpoints[0], sizeof(access.endpoints[0]), "%s", s->endpoint);
    if (s->spare[0])
        snprintf(access.endpoints[access.n_endpoints++], ACCESS_ENDPOINT_MAX, "%s", s->spare);
    return state_publish(&s->state, &access, err);
}

static void cant_start(const struct err *err)
{
    log_error("the coordinator can't start", "reason=\"%s\"", err->text);
}

static int serve(struct service *s)
{
    struct group group;
    group_open(&group);
    int r = group_spawn(&group, "signals", watch_signals, s);
    if (server_endpoint(s->server))
        log_info("coordinator is ready", "state=%s pid=%d listen=%s", s->state.folder,
                 (int)getpid(), server_endpoint(s->server));
    else
        log_info("coordinator is ready", "state=%s pid=%d", s->state.folder, (int)getpid());
    notify_say("READY=1");
    if (r == 0)
        event_flag_wait(&s->over);
    notify_say("STOPPING=1");
    group_cancel(&group);
    group_wait(&group);
    return r < 0 ? EXIT_FAULT : s->status;
}

static int main_task(void *arg)
{
    struct service *s = arg;
    struct transport *transport = NULL;
    struct err err = {0};
    char list[PATH_MAX];
    const char *const endpoints[] = {s->endpoint, s->spare[0] ? s->spare : NULL, NULL};
    struct server_options options = {.endpoints = endpoints,
                                     .spool_directory =
                                         s->spool.given ? s->spool.given : s->state.folder,
                                     .spool_bytes = s->spool.bytes,
                                     .keep_jobs = (uint32_t)s->keep_jobs,
                                     .keep_bytes = s->keep_bytes,
                                     .keep_age_ns = s->keep_age_ns,
                                     .record = s->record,
                                     .attend = attend,
                                     .attend_kill = attend_kill,
                                     .remote_needs = (s->reads.n ? ATTEND_NEEDS_SOURCE : 0u) |
                                                     (s->writes.n ? ATTEND_NEEDS_SINK : 0u),
                                     .open_door = on_open_door,
                                     .slow_turn_ns = SERVER_TURN_NS,
                                     .arg = s};
    int status = EXIT_FAULT;
    // Before we are visible: from then on signals may come.
    const int numbers[] = {SIGINT, SIGTERM, SIGHUP, SIGUSR1};
    int r = signals_open(numbers, sizeof(numbers) / sizeof(numbers[0]), &s->signals);
    if (r < 0)
        return EXIT_FAULT;
    if (s->listen)
        r = prepare_keys(s, list, &err);
    options.listen = s->listen;
    options.keys = &s->keys;
    options.allow_directory = list;
    if (r == 0)
        r = transport_new(&transport, &err);
    if (r == 0)
        r = server_open(transport, &options, &s->server, &err);
    if (r == 0)
        r = attendants_watch(s->attendants, s->server);
    if (r == 0 && s->listen)
        r = note_address(s, &err);
    if (r == 0)
        r = publish(s, &err);
    if (r == 0)
        status = serve(s);
    else
        cant_start(&err);
    attendants_unwatch(s->attendants);
    server_close(s->server);
    transport_free(transport);
    signals_close(&s->signals);
    return status;
}

// Real paths, so that what a link meant at the start is what counts.
static int find_roots(const struct args_list *given, const char **ret, size_t *ret_n,
                      struct err *err)
{
    for (size_t i = 0; i < given->n; i++) {
        struct stat st;
        if (i == CONFINE_ROOTS_MAX)
            return err_set(err, -E2BIG, "at most %d folders for jobs", CONFINE_ROOTS_MAX);
        ret[i] = realpath(given->list[i], NULL); // lives as long as the program
        if (!ret[i] || stat(ret[i], &st) < 0)
            return err_sys(err, -errno, "'%s'", given->list[i]);
        if (!S_ISDIR(st.st_mode))
            return err_sys(err, -ENOTDIR, "'%s'", given->list[i]);
        *ret_n = i + 1;
    }
    return 0;
}

static int start_attendants(struct service *s, struct err *err)
{
    char runtime[PATH_MAX];
    struct confine *confine = &s->confine;
    int r = find_roots(&s->reads, confine->reads, &confine->n_reads, err);
    if (r == 0)
        r = find_roots(&s->writes, confine->writes, &confine->n_writes, err);
    confine->fences[0] = s->state.folder;
    if (r == 0 && find_runtime_folder(runtime, err) == 0)
        confine->fences[1] = realpath(runtime, s->runtime);
    return r < 0 ? r
                 : attendants_start(s->spare[0] ? s->spare : s->endpoint, confine, &s->attendants,
                                    err);
}

static int run(struct service *s)
{
    struct err err = {0};
    int r = state_open(s->folder, &s->state, &err);
    if (r == 0)
        r = state_lock(&s->state, &err);
    if (r == 0)
        r = state_endpoint(&s->state, s->endpoint, &err);
    state_spare_endpoint(&s->state, s->spare);
    if (r == 0)
        r = start_attendants(s, &err);
    if (r < 0) {
        cant_start(&err);
        return r == -EBUSY ? EXIT_USAGE : EXIT_FAULT;
    }
    fd_raise_limit();
    int status = loop_run(main_task, s);
    attendants_free(s->attendants);
    state_close(&s->state);
    keypair_done(&s->keys);
    return status < 0 ? EXIT_FAULT : status;
}

static const struct arg flags[] = {
    {'l', "listen", SETS_TEXT(struct service, listen), "ADDRESS",
     "accept workers and clients from other machines at tcp://HOST:PORT"},
    {0, "state", SETS_TEXT(struct service, folder), "DIR",
     "folder for keys, allow-list and kept results; each coordinator needs its own",
     "$XDG_STATE_HOME/fanmill/default", .offer = OFFER_FOLDER},
    {0, "jobs-may-read", SETS_LIST(struct service, reads), "DIR",
     "let jobs that other machines submit read sources below DIR; may be given more than once",
     "nothing", .offer = OFFER_FOLDER},
    {0, "jobs-may-write", SETS_LIST(struct service, writes), "DIR",
     "let jobs that other machines submit write sinks below DIR; may be given more than once",
     "nothing", .offer = OFFER_FOLDER},
    {0, "keep-jobs", SETS_NUMBER(struct service, keep_jobs), "N",
     "keep at most N detached jobs that have ended; then the oldest of the user who keeps most is "
     "dropped",
     "10000"},
    {0, "keep-bytes", SETS_SIZE(struct service, keep_bytes), "SIZE",
     "likewise, of their results in all", "16GiB"},
    {0, "keep-age", SETS_DURATION(struct service, keep_age_ns), "TIME",
     "drop jobs that ended longer ago than TIME", "for ever"},
    {0, "record", SETS_TEXT(struct service, record), "FILE",
     "record the scheduler's events in FILE, at most 1 GiB, so that a fault can be replayed; it "
     "may "
     "hold texts of failures and results that a later stage reads",
     .offer = OFFER_FILE},
    {0},
};
const struct args coordinator_args = {
    .usage = "[--listen tcp://HOST:PORT] [--state DIR]",
    .about = "Runs the service: accepts jobs (fanmill submit, fanmill run --connect, the C "
             "library), dispatches their chunks to workers (fanmill worker) and keeps their "
             "results. Runs until SIGTERM; SIGHUP rereads the allow-list,\n"
             "SIGUSR1 logs the state of all jobs, peers and tasks.\n"
             "\n"
             "Programs of the same user on this machine find it automatically. Other machines "
             "need a key each: fanmill invite.\n",
    .more = "Anyone who may submit jobs can run programs on every worker, as the worker's user.\n",
    .tables = {{.list = flags},
               LOGGING_TABLE(struct service),
               {.list = spool_flags, .offset = offsetof(struct service, spool)}}};

int cli_coordinator(int argc, char **argv)
{
    struct service s = {.state = STATE_INIT};
    struct word_list words;
    int status;
    if (args_parse("coordinator", &coordinator_args, &s, argc, argv, &words, &status) != 0)
        return status;
    if (s.keep_jobs > UINT32_MAX)
        return args_mistake("coordinator", "--keep-jobs is at most %u", UINT32_MAX);
    if (spool_check("coordinator", &s.spool, &status) < 0)
        return status;
    if (s.listen && strncmp(s.listen, "tcp://", 6) != 0)
        return args_mistake("coordinator", "--listen takes tcp://HOST:PORT, not '%s'", s.listen);
    logging_begin(&s.logging);
    return run(&s);
}
