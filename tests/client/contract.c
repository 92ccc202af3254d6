// The contract of result streams, S1 to S15, one test each. usage: contract NAME
// A coordinator is at FANMILL_CONNECT, with a worker of 4 slots. $WORK: a folder of the test's own.
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fanmill/client.h>

#define TRIES 30000 // of 10 ms each, for what happens by itself
#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: not so: %s (fm_error: %s)\n", __FILE__, __LINE__, #condition,  \
                    fm_error());                                                                   \
            exit(1);                                                                               \
        }                                                                                          \
    } while (0)

static struct fm_client *client;

static char *path_of(const char *name)
{
    static char path[4][512];
    static int turn;
    turn = (turn + 1) % 4;
    snprintf(path[turn], sizeof(path[turn]), "%s/%s", getenv("WORK"), name);
    return path[turn];
}

static int lines_of(const char *name)
{
    FILE *f = fopen(path_of(name), "r");
    int n = 0, c;
    while (f && (c = getc(f)) != EOF)
        n += c == '\n';
    if (f)
        fclose(f);
    return n;
}

// A job of `count` numbers, each through a shell script that gets it as $1 and $WORK as $2.
static struct fm_job *numbers(uint64_t count, const char *script, enum fm_order order,
                              const struct fm_submit_options *options)
{
    struct fm_spec *spec = fm_spec_new("contract");
    const char *const argv[] = {"sh", "-c", script, "script", "{}", getenv("WORK"), NULL};
    struct fm_job *job = NULL;
    CHECK(spec != NULL);
    CHECK(fm_spec_range(spec, 1, 1, count) == 0);
    CHECK(fm_spec_command(spec, argv) == 0);
    CHECK(fm_spec_order(spec, order) == 0);
    CHECK(fm_submit(client, spec, options, &job) == 0);
    fm_spec_free(spec);
    return job;
}

static struct fm_job *kernels(uint64_t count, const char *function)
{
    struct fm_spec *spec = fm_spec_new("kernels");
    struct fm_job *job = NULL;
    CHECK(fm_spec_range(spec, 1, 1, count) == 0);
    CHECK(fm_spec_kernel(spec, NULL, function, NULL) == 0);
    CHECK(fm_submit(client, spec, NULL, &job) == 0);
    fm_spec_free(spec);
    return job;
}

static long number_in(const struct fm_result *r)
{
    char text[32];
    snprintf(text, sizeof(text), "%.*s", (int)r->size, (const char *)r->data);
    return strtol(text, NULL, 10);
}

static struct fm_stream *window(struct fm_job *job, uint64_t items)
{
    const struct fm_stream_options o = {.size = sizeof(o), .window_items = items};
    return fm_results(job, &o);
}

// Waits until `file` has n lines.
static void until_lines(const char *file, int n)
{
    for (int i = 0; i < TRIES && lines_of(file) < n; i++)
        poll(NULL, 0, 10);
    CHECK(lines_of(file) >= n);
}

static void until_idle(struct fm_job *job)
{
    struct fm_job_status status = {.running = 1};
    for (int i = 0; i < TRIES && status.running; i++) {
        CHECK(fm_job_status(job, &status) == 0);
        poll(NULL, 0, 10);
    }
    CHECK(status.running == 0);
}

static void s1_lazy(void)
{
    struct fm_job *job = numbers(100, "echo on >>$2/s1; echo $1", FM_ORDER_INPUT, NULL);
    struct fm_job_status status;
    struct fm_result result;
    for (int i = 0; i < 5; i++)
        CHECK(fm_job_status(job, &status) == 0);
    CHECK(status.running == 0 && status.ok == 0);
    CHECK(lines_of("s1") == 0); // nobody has asked for a result
    struct fm_stream *s = window(job, 2);
    CHECK(fm_next(s, &result) == 1 && number_in(&result) == 1);
    CHECK(fm_stream_close(s) == 0);
    CHECK(lines_of("s1") < 10);
    fm_job_free(job);
}

static struct fm_stream *self;
static int ask_again(struct fm_result *result, void *arg)
{
    (void)arg;
    return fm_next(self, result);
}

static void s2_one_consumer(void)
{
    struct fm_job *job = kernels(10, "identity");
    struct fm_result result;
    struct fm_stream *s = fm_results(job, NULL);
    CHECK(s && !fm_results(job, NULL));
    CHECK(strstr(fm_error(), "a stream already"));
    // Nor can it be asked from within.
    self = fm_map(s, ask_again, NULL);
    CHECK(fm_next(self, &result) == -EBUSY);
    CHECK(fm_next(self, &result) == -EBUSY);
    CHECK(fm_stream_close(self) == 0);
    fm_job_free(job);
    // Nor by another client.
    struct fm_client *other;
    struct fm_job *same;
    job = kernels(10, "identity");
    CHECK(fm_connect(NULL, &other) == 0);
    CHECK(fm_job_open(other, fm_job_id(job), &same) == 0);
    s = fm_results(same, NULL);
    CHECK(fm_next(s, &result) == -EACCES);
    fm_stream_close(s);
    fm_job_free(same);
    fm_disconnect(other);
    fm_job_free(job);
}

static void s3_sticky_end(void)
{
    struct fm_job *job = kernels(3, "identity");
    struct fm_stream *s = fm_results(job, NULL);
    struct fm_result result;
    for (long i = 1; i <= 3; i++)
        CHECK(fm_next(s, &result) == 1 && number_in(&result) == i);
    for (int i = 0; i < 3; i++)
        CHECK(fm_next(s, &result) == 0);
    CHECK(fm_stream_close(s) == 0);
    fm_job_free(job);
    // An error comes after all results before it, and stays.
    const struct fm_stream_options stop = {.size = sizeof(stop), .stop_on_error = 1};
    job = numbers(6, "echo $1; test $1 != 4", FM_ORDER_INPUT, NULL);
    s = fm_results(job, &stop);
    for (long i = 1; i <= 3; i++)
        CHECK(fm_next(s, &result) == 1 && number_in(&result) == i);
    for (int i = 0; i < 3; i++)
        CHECK(fm_next(s, &result) == -EREMOTEIO);
    CHECK(fm_stream_close(s) == 0);
    fm_job_free(job);
}

static void s4_close_is_a_verb(void)
{
    struct fm_job *job = numbers(100, "echo $$ >>$2/s4; exec sleep 600", FM_ORDER_INPUT, NULL);
    struct fm_stream *s = fm_results(job, NULL);
    struct fm_result result;
    CHECK(fm_next_within(s, 0.01, &result) == -ETIMEDOUT);
    until_lines("s4", 4);
    CHECK(fm_stream_close(s) == 0);
    // When it returns nothing of it runs any more.
    FILE *f = fopen(path_of("s4"), "r");
    for (int pid, n = 0; fscanf(f, "%d", &pid) == 1 && n < 4; n++)
        CHECK(kill(pid, 0) < 0 && errno == ESRCH);
    fclose(f);
    CHECK(fm_stream_close(NULL) == 0);
    fm_job_free(job);
    // A client that dies is a close.
    remove(path_of("s4"));
    pid_t child = fork();
    if (child == 0) {
        // A client of its own: one made before a fork is of no use after it.
        struct fm_client *dying;
        CHECK(fm_connect(NULL, &dying) == 0);
        client = dying;
        job = numbers(4, "echo $$ >>$2/s4; exec sleep 600", FM_ORDER_INPUT, NULL);
        s = fm_results(job, NULL);
        fm_next_within(s, 0.01, &result);
        until_lines("s4", 4);
        kill(getpid(), SIGKILL);
    }
    int status;
    CHECK(waitpid(child, &status, 0) == child && WIFSIGNALED(status));
    f = fopen(path_of("s4"), "r");
    for (int pid, n = 0; fscanf(f, "%d", &pid) == 1 && n < 4; n++) {
        for (int i = 0; i < TRIES && kill(pid, 0) == 0; i++)
            poll(NULL, 0, 10);
        CHECK(kill(pid, 0) < 0);
    }
    fclose(f);
}

static void s5_a_timeout_loses_nothing(void)
{
    struct fm_job *job = numbers(30, "sleep 0.0$(($1 % 5)); echo $1", FM_ORDER_INPUT, NULL);
    struct fm_stream *s = fm_results(job, NULL);
    struct fm_result result;
    int timeouts = 0, r;
    for (long expected = 1; expected <= 30; expected++) {
        while ((r = fm_next_within(s, 0.001, &result)) == -ETIMEDOUT)
            timeouts++;
        CHECK(r == 1 && number_in(&result) == expected);
    }
    CHECK(timeouts > 10);
    CHECK(fm_next(s, &result) == 0);
    fm_stream_close(s);
    fm_job_free(job);
}

static void s6_credit_bounds_both_ends(void)
{
    struct fm_job *job = numbers(1000, "echo on >>$2/s6; echo $1", FM_ORDER_INPUT, NULL);
    struct fm_stream *s = window(job, 4);
    struct fm_result result;
    for (long taken = 1; taken <= 20; taken++) {
        CHECK(fm_next(s, &result) == 1 && number_in(&result) == taken);
        until_idle(job); // the consumer sleeps: all that may run has run
        CHECK(lines_of("s6") <= taken + 4);
    }
    CHECK(fm_stream_close(s) == 0);
    fm_job_free(job);
    // Bytes bound it too: 1 MiB each, room for 2.
    const struct fm_stream_options bytes = {.size = sizeof(bytes), .window_bytes = 2 << 20};
    remove(path_of("s6"));
    job = numbers(100, "echo on >>$2/s6; head -c 1048576 /dev/zero", FM_ORDER_INPUT, NULL);
    s = fm_results(job, &bytes);
    for (int taken = 1; taken <= 20; taken++) {
        CHECK(fm_next(s, &result) == 1 && result.size == 1 << 20);
    }
    CHECK(fm_stream_close(s) == 0);
    fm_job_free(job);
}

static void s7_orders(void)
{
    const char *script = "test $1 = 1 && until test -e $2/s7; do sleep 0.01; done; echo $1";
    struct fm_job *job = numbers(4, script, FM_ORDER_COMPLETION, NULL);
    struct fm_stream *s = fm_results(job, NULL);
    struct fm_result result;
    long sum = 0;
    for (int i = 0; i < 3; i++) {
        CHECK(fm_next(s, &result) == 1 && number_in(&result) != 1);
        sum += number_in(&result);
    }
    CHECK(sum == 9);
    fclose(fopen(path_of("s7"), "w"));
    CHECK(fm_next(s, &result) == 1 && number_in(&result) == 1);
    CHECK(fm_next(s, &result) == 0);
    fm_stream_close(s);
    fm_job_free(job);
    job = numbers(20, "sleep 0.0$((RANDOM % 3)); echo $1", FM_ORDER_INPUT, NULL);
    s = fm_results(job, NULL);
    for (long i = 1; i <= 20; i++)
        CHECK(fm_next(s, &result) == 1 && number_in(&result) == i &&
              result.offset == (uint64_t)i - 1);
    fm_stream_close(s);
    fm_job_free(job);
}

static void s8_envelope(void)
{
    struct fm_job *job = numbers(
        3, "echo out $1; echo err $1 >&2; test $1 != 2 || exit 7; test $1 != 3 || kill -9 $$",
        FM_ORDER_INPUT, NULL);
    struct fm_stream *s = fm_results(job, NULL);
    struct fm_result r;
    CHECK(fm_next(s, &r) == 1);
    CHECK(r.outcome == FM_OK && r.code == 0 && !r.error && r.attempt == 1 && r.chunk == 0);
    CHECK(r.size == 6 && memcmp(r.data, "out 1\n", 6) == 0);
    CHECK(strcmp(r.errors, "err 1\n") == 0);
    CHECK(r.item_size == 1 && memcmp(r.item, "1", 1) == 0);
    CHECK(r.worker[0] && r.seconds > 0 && r.max_rss > 0);
    CHECK(fm_next(s, &r) == 1);
    CHECK(r.outcome == FM_EXIT && r.code == 7 && strstr(r.error, "status 7"));
    CHECK(fm_next(s, &r) == 1);
    CHECK(r.outcome == FM_SIGNAL && r.code == 9 && r.error);
    CHECK(fm_next(s, &r) == 0);
    struct fm_job_status status;
    CHECK(fm_job_status(job, &status) == 0);
    CHECK(status.ok == 1 && status.failed == 2 && status.end == FM_JOB_COMPLETE);
    CHECK(strstr(status.text, "ended")); // one of the two, whichever was first
    fm_stream_close(s);
    fm_job_free(job);
}

static void s9_each_once(void)
{
    // Each tenth chunk kills the process that runs it, the first time.
    const char *script = "test $(($1 % 10)) != 0 || { test -e $2/s9-$1 || { : >$2/s9-$1; kill -9 "
                         "$PPID; sleep 10; }; }; echo $1";
    struct fm_job *job = numbers(200, script, FM_ORDER_COMPLETION, NULL);
    struct fm_stream *s = fm_results(job, NULL);
    struct fm_result r;
    char seen[201] = "";
    int n, again = 0;
    uint64_t offset = 0;
    while ((n = fm_next(s, &r)) == 1) {
        CHECK(r.outcome == FM_OK && r.offset == offset++);
        CHECK(!seen[number_in(&r)]++);
        again += r.attempt > 1;
    }
    CHECK(n == 0 && offset == 200 && again >= 20);
    fm_stream_close(s);
    fm_job_free(job);
}

static void s10_resume(void)
{
    const struct fm_submit_options detached = {.size = sizeof(detached), .detached = 1};
    struct fm_job *job = numbers(100, "echo $1", FM_ORDER_INPUT, &detached);
    struct fm_stream_options from = {.size = sizeof(from)};
    uint64_t id = fm_job_id(job);
    struct fm_result r;
    for (long expected = 1; expected <= 100;) {
        // Ten results, then the client is gone and comes back as another.
        struct fm_stream *s = fm_results(job, &from);
        for (int i = 0; i < 10; i++, expected++) {
            CHECK(fm_next(s, &r) == 1 && number_in(&r) == expected);
            from.from = r.offset + 1;
        }
        CHECK(fm_stream_close(s) == 0);
        fm_job_free(job);
        fm_disconnect(client);
        CHECK(fm_connect(NULL, &client) == 0);
        CHECK(fm_job_open(client, id, &job) == 0);
    }
    // The record at an offset never changes.
    from.from = 41;
    struct fm_stream *s = fm_results(job, &from);
    CHECK(fm_next(s, &r) == 1 && number_in(&r) == 42 && r.offset == 41);
    fm_stream_close(s);
    fm_job_free(job);
    CHECK(fm_job_open(client, 1 << 30, &job) == 0);
    s = fm_results(job, NULL);
    CHECK(fm_next(s, &r) == -ENOENT);
    fm_stream_close(s);
    fm_job_free(job);
}

static void s11_partial_results(void)
{
    const struct fm_submit_options partial = {.size = sizeof(partial), .partial = 1};
    const char *const args[] = {"folder", getenv("WORK"), NULL};
    struct fm_spec *spec = fm_spec_new("partial");
    struct fm_job *job;
    struct fm_result r;
    CHECK(fm_spec_range(spec, 1, 1, 1) == 0);
    CHECK(fm_spec_kernel(spec, getenv("KERNELS"), "three_parts", args) == 0);
    CHECK(fm_submit(client, spec, &partial, &job) == 0);
    struct fm_stream *s = window(job, 1); // each part is counted
    for (int part = 1; part <= 3; part++) {
        CHECK(fm_next(s, &r) == 1 && r.partial && number_in(&r) == part);
        // It runs on only when we have seen this one.
        char name[16];
        snprintf(name, sizeof(name), "s11-%d", part);
        fclose(fopen(path_of(name), "w"));
    }
    CHECK(fm_next(s, &r) == 1 && !r.partial && r.size == 0 && r.outcome == FM_OK);
    CHECK(fm_next(s, &r) == 0);
    fm_stream_close(s);
    fm_job_free(job);
    // Without the option the same kernel gives one result.
    CHECK(fm_submit(client, spec, NULL, &job) == 0);
    s = fm_results(job, NULL);
    CHECK(fm_next(s, &r) == 1 && !r.partial && r.size == 6);
    CHECK(fm_next(s, &r) == 0);
    fm_stream_close(s);
    fm_job_free(job);
    fm_spec_free(spec);
}

static void leave_scope_early(struct fm_job *job)
{
    FM_STREAM_SCOPE struct fm_stream *s = fm_results(job, NULL);
    struct fm_result r;
    CHECK(fm_next_within(s, 0.01, &r) == -ETIMEDOUT);
    until_lines("s12", 4);
}

static void s12_scope(void)
{
    struct fm_job *job = numbers(4, "echo on >>$2/s12; exec sleep 600", FM_ORDER_INPUT, NULL);
    struct fm_job_status status;
    leave_scope_early(job);
    CHECK(!job || fm_job_status(job, &status) == -ENOENT || status.running == 0);
    fm_job_free(job);
}

static int double_it(struct fm_result *r, void *arg)
{
    static char text[32];
    (void)arg;
    r->size = (size_t)snprintf(text, sizeof(text), "%ld\n", 2 * number_in(r));
    r->data = text;
    return 0;
}
static int is_even(const struct fm_result *r, void *arg)
{
    (void)arg;
    return number_in(r) % 2 == 0;
}
static int add_up(void *into, const struct fm_result *r, void *arg)
{
    (void)arg;
    *(long *)into += number_in(r);
    return 0;
}

static void s13_operators(void)
{
    struct fm_job *job[3];
    struct fm_result r;
    long sum = 0;
    for (int i = 0; i < 3; i++)
        job[i] = kernels(10 + (uint64_t)i, "identity");
    // map, filter, take: 2, 4, 6, ... of the even ones, three of them; then the job is over.
    struct fm_stream *s =
        fm_take(fm_map(fm_filter(fm_results(job[0], NULL), is_even, NULL), double_it, NULL), 3);
    CHECK(s);
    for (long i = 1; i <= 3; i++)
        CHECK(fm_next(s, &r) == 1 && number_in(&r) == 4 * i);
    CHECK(fm_next(s, &r) == 0);
    CHECK(fm_stream_close(s) == 0);
    fm_job_free(job[0]);
    // chunks: the last is shorter.
    s = fm_chunks(fm_results(job[1], NULL), 4);
    CHECK(fm_next(s, &r) == 1 && r.n_group == 4 && number_in(&r.group[3]) == 4);
    CHECK(fm_next(s, &r) == 1 && r.n_group == 4 && number_in(&r.group[0]) == 5);
    CHECK(fm_next(s, &r) == 1 && r.n_group == 3 && number_in(&r.group[2]) == 11);
    CHECK(fm_next(s, &r) == 0);
    CHECK(fm_stream_close(s) == 0);
    fm_job_free(job[1]);
    // reduce
    CHECK(fm_reduce(fm_results(job[2], NULL), add_up, &sum, NULL) == 0 && sum == 78);
    fm_job_free(job[2]);
    // zip: the shortest wins, or strictly.
    for (int strict = 0; strict < 2; strict++) {
        struct fm_stream *ins[2];
        for (int i = 0; i < 2; i++) {
            job[i] = kernels(3 + (uint64_t)i, "identity");
            ins[i] = fm_results(job[i], NULL);
        }
        s = fm_zip(ins, 2, strict);
        for (long i = 1; i <= 3; i++)
            CHECK(fm_next(s, &r) == 1 && number_in(&r.group[0]) == i &&
                  number_in(&r.group[1]) == i);
        CHECK(fm_next(s, &r) == (strict ? -EILSEQ : 0));
        CHECK(fm_stream_close(s) == 0);
        for (int i = 0; i < 2; i++)
            fm_job_free(job[i]);
    }
    // merge: all of all; a slow one holds nobody up.
    struct fm_stream *ins[3];
    for (int i = 0; i < 2; i++) {
        job[i] = kernels(50, "identity");
        ins[i] = fm_results(job[i], NULL);
    }
    job[2] =
        numbers(1, "until test -e $2/s13; do sleep 0.01; done; echo 1000", FM_ORDER_INPUT, NULL);
    ins[2] = fm_results(job[2], NULL);
    s = fm_merge(ins, 3);
    sum = 0;
    for (int i = 0; i < 100; i++) {
        CHECK(fm_next(s, &r) == 1);
        sum += number_in(&r);
    }
    CHECK(sum == 2 * 1275);
    CHECK(fm_next_within(s, 0.01, &r) == -ETIMEDOUT);
    fclose(fopen(path_of("s13"), "w"));
    CHECK(fm_next(s, &r) == 1 && number_in(&r) == 1000);
    CHECK(fm_next(s, &r) == 0);
    CHECK(fm_stream_close(s) == 0);
    for (int i = 0; i < 3; i++)
        fm_job_free(job[i]);
    // within: a timeout for each item that is not the end.
    job[0] = numbers(2, "sleep 0.2; echo $1", FM_ORDER_INPUT, NULL);
    s = fm_within(fm_results(job[0], NULL), 0.01);
    int timeouts = 0, n, got = 0;
    while ((n = fm_next(s, &r)) != 0) {
        CHECK(n == 1 || n == -ETIMEDOUT);
        timeouts += n == -ETIMEDOUT;
        got += n == 1;
    }
    CHECK(timeouts > 2 && got == 2);
    fm_stream_close(s);
    fm_job_free(job[0]);
    // A parallel map of a stream, on workers, in order.
    struct fm_spec *spec = fm_spec_new("square");
    const char *const square[] = {"sh", "-c", "echo $(($1 * $1))", "square", "{}", NULL};
    CHECK(fm_spec_command(spec, square) == 0);
    job[0] = kernels(20, "identity");
    s = fm_pmap(fm_results(job[0], NULL), client, spec, 4);
    for (long i = 1; i <= 20; i++)
        CHECK(fm_next(s, &r) == 1 && number_in(&r) == i * i);
    CHECK(fm_next(s, &r) == 0);
    CHECK(fm_stream_close(s) == 0);
    fm_job_free(job[0]);
    fm_spec_free(spec);
    // Many at once.
    struct fm_result many[16];
    job[0] = kernels(40, "identity");
    s = fm_results(job[0], NULL);
    sum = 0;
    while ((n = fm_next_batch(s, many, 16)) > 0)
        for (int i = 0; i < n; i++)
            sum += number_in(&many[i]);
    CHECK(n == 0 && sum == 820);
    fm_stream_close(s);
    fm_job_free(job[0]);
    CHECK(fm_map(NULL, double_it, NULL) == NULL); // a chain needs one check
}

static void s14_nothing_runs_by_itself(void)
{
    struct fm_job *job = kernels(1000, "identity");
    struct fm_stream *s = fm_results(job, NULL);
    struct fm_result r;
    int to[2];
    CHECK(fm_next(s, &r) == 1);
    // The stream is not closed: disconnecting closes it and reports where it was opened.
    fflush(stderr);
    CHECK(pipe(to) == 0);
    int saved = dup(2);
    dup2(to[1], 2);
    close(to[1]);
    fm_disconnect(client);
    client = NULL;
    dup2(saved, 2);
    char text[512] = "";
    CHECK(read(to[0], text, sizeof(text) - 1) > 0);
    CHECK(strstr(text, "a stream was not closed: opened at") && strstr(text, "contract.c"));
    // A handle that is left does no harm.
    CHECK(!fm_results(job, NULL) && fm_job_cancel(job, FM_CANCEL_KILL) == -ENOTCONN);
    fm_job_free(job);
}

static void s15_clocks(void)
{
    struct fm_spec *spec = fm_spec_new("clocks");
    const char *const argv[] = {"sleep", "600", NULL};
    const struct fm_submit_options total = {.size = sizeof(total), .timeout = 0.3};
    struct fm_job *job;
    struct fm_job_status status;
    struct fm_result r;
    // One run of a chunk.
    CHECK(fm_spec_range(spec, 1, 1, 1) == 0 && fm_spec_command(spec, argv) == 0);
    CHECK(fm_spec_timeout(spec, 0.2) == 0);
    CHECK(fm_submit(client, spec, NULL, &job) == 0);
    struct fm_stream *s = fm_results(job, NULL);
    CHECK(fm_next(s, &r) == 1 && r.outcome == FM_TIMEOUT);
    fm_stream_close(s);
    fm_job_free(job);
    // The whole job.
    CHECK(fm_spec_timeout(spec, 0) == 0);
    CHECK(fm_submit(client, spec, &total, &job) == 0);
    s = fm_results(job, NULL);
    CHECK(fm_next(s, &r) == 0);
    CHECK(fm_job_status(job, &status) == 0 && status.end == FM_JOB_TIMEOUT);
    fm_stream_close(s);
    fm_job_free(job);
    fm_spec_free(spec);
}

// A descriptor for a foreign event loop.
static void descriptor(void)
{
    struct fm_job *job = numbers(20, "sleep 0.01; echo $1", FM_ORDER_INPUT, NULL);
    struct fm_stream *s = window(job, 8);
    struct fm_result r;
    long expected = 1;
    int n = 1;
    while (n != 0) {
        struct pollfd fd = {.fd = fm_stream_fd(s), .events = POLLIN};
        CHECK(fd.fd >= 0);
        CHECK(poll(&fd, 1, 20000) == 1);
        while ((n = fm_next_within(s, 0, &r)) == 1)
            CHECK(number_in(&r) == expected++);
        CHECK(n == 0 || n == -ETIMEDOUT);
    }
    CHECK(expected == 21);
    fm_stream_close(s);
    fm_job_free(job);
}

// Reads all of a stream by its descriptor; the sum of its numbers. *ret_wakes: how often it was
// readable.
static long sum_by_descriptor(struct fm_stream *s, int *ret_wakes)
{
    struct fm_result r;
    long sum = 0;
    int n = 1;
    *ret_wakes = 0;
    while (n != 0) {
        struct pollfd fd = {.fd = fm_stream_fd(s), .events = POLLIN};
        CHECK(fd.fd >= 0 && poll(&fd, 1, 20000) == 1);
        ++*ret_wakes;
        while ((n = fm_next_within(s, 0, &r)) == 1)
            sum += number_in(&r);
        CHECK(n == 0 || n == -ETIMEDOUT);
    }
    return sum;
}

// The same of operators: nothing is missed, and nobody is woken for nothing again and again, also
// when an input has ended.
static void descriptor_of_operators(void)
{
    struct fm_job *job[2] = {numbers(20, "sleep 0.02; echo $1", FM_ORDER_INPUT, NULL),
                             kernels(5, "identity")};
    struct fm_stream *ins[2] = {fm_results(job[0], NULL), fm_results(job[1], NULL)};
    int wakes;
    struct fm_stream *s = fm_merge(ins, 2);
    CHECK(sum_by_descriptor(s, &wakes) == 210 + 15);
    CHECK(wakes < 200);
    CHECK(fm_stream_close(s) == 0);
    fm_job_free(job[0]);
    fm_job_free(job[1]);
    struct fm_spec *spec = fm_spec_new("square");
    const char *const square[] = {"sh",     "-c", "sleep 0.02; echo $(($1 * $1))",
                                  "square", "{}", NULL};
    CHECK(fm_spec_command(spec, square) == 0);
    job[0] = kernels(10, "identity");
    s = fm_pmap(fm_filter(fm_results(job[0], NULL), is_even, NULL), client, spec, 2);
    CHECK(sum_by_descriptor(s, &wakes) == 4 + 16 + 36 + 64 + 100);
    CHECK(wakes < 200);
    CHECK(fm_stream_close(s) == 0);
    fm_job_free(job[0]);
    fm_spec_free(spec);
}

// Results that wait for others keep what they point to, whatever becomes of their stream and of
// what a program's function wrote over.
static void groups(void)
{
    struct fm_job *job[2];
    struct fm_stream *ins[2], *s;
    struct fm_result r, many[8];
    for (int i = 0; i < 2; i++) {
        job[i] = kernels(8, "identity");
        ins[i] = fm_map(fm_results(job[i], NULL), double_it, NULL);
    }
    s = fm_take(fm_chunks(fm_zip(ins, 2, 0), 2), 2);
    for (long i = 0; i < 2; i++) {
        CHECK(fm_next(s, &r) == 1 && r.n_group == 2);
        for (long k = 0; k < 2; k++)
            CHECK(r.group[k].n_group == 2 && number_in(&r.group[k].group[0]) == 4 * i + 2 * k + 2 &&
                  number_in(&r.group[k].group[1]) == 4 * i + 2 * k + 2);
    }
    CHECK(fm_next(s, &r) == 0);
    CHECK(fm_stream_close(s) == 0);
    for (int i = 0; i < 2; i++)
        fm_job_free(job[i]);
    job[0] = kernels(8, "identity");
    s = fm_chunks(fm_results(job[0], NULL), 1);
    for (long expected = 1; expected <= 8;) {
        int n = fm_next_batch(s, many, 8);
        CHECK(n > 0);
        for (int i = 0; i < n; i++)
            CHECK(number_in(&many[i].group[0]) == expected++);
    }
    CHECK(fm_next_batch(s, many, 8) == 0);
    CHECK(fm_stream_close(s) == 0);
    fm_job_free(job[0]);
}

// Streams of two clients in one: each client has its own connection, and may be lost.
static void two_clients(void)
{
    struct fm_client *clients[2] = {client, NULL}, *first = client;
    struct fm_job *job[2];
    struct fm_stream *ins[2], *s;
    struct fm_result r;
    long sum = 0;
    int n, wakes;
    CHECK(fm_connect(NULL, &clients[1]) == 0);
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 2; i++) {
            client = clients[i];
            job[i] = numbers(10, "sleep 0.0$1; echo $1", FM_ORDER_INPUT, NULL);
            ins[i] = fm_results(job[i], NULL);
        }
        if (round == 0) {
            s = fm_merge(ins, 2);
            while ((n = fm_next(s, &r)) == 1)
                sum += number_in(&r);
            CHECK(n == 0 && sum == 110);
        } else if (round == 1) {
            s = fm_merge(ins, 2);
            CHECK(sum_by_descriptor(s, &wakes) == 110 && wakes < 200);
        } else {
            s = fm_zip(ins, 2, 1);
            for (long i = 1; i <= 10; i++) {
                while ((n = fm_next_within(s, 0.001, &r)) == -ETIMEDOUT)
                    ;
                CHECK(n == 1 && number_in(&r.group[0]) == i && number_in(&r.group[1]) == i);
            }
            CHECK(fm_next(s, &r) == 0);
        }
        CHECK(fm_stream_close(s) == 0);
        for (int i = 0; i < 2; i++)
            fm_job_free(job[i]);
    }
    // One of them goes.
    for (int i = 0; i < 2; i++) {
        client = clients[i];
        job[i] = kernels(3, "identity");
        ins[i] = fm_results(job[i], NULL);
    }
    s = fm_zip(ins, 2, 0);
    CHECK(fm_next(s, &r) == 1);
    fm_disconnect(clients[1]);
    CHECK(fm_next(s, &r) == -ENOTCONN && strstr(fm_error(), "disconnected"));
    CHECK(fm_stream_close(s) == 0);
    for (int i = 0; i < 2; i++)
        fm_job_free(job[i]);
    client = first;
}

// A finished result is not held up by the next chunk: here that one waits for its reader.
static void nothing_is_held_up(void)
{
    const char *const args[] = {"folder", getenv("WORK"), NULL};
    struct fm_spec *spec = fm_spec_new("held-up");
    struct fm_job *job;
    struct fm_result r;
    CHECK(fm_spec_range(spec, 1, 1, 300) == 0);
    CHECK(fm_spec_kernel(spec, getenv("KERNELS"), "last_waits", args) == 0);
    for (int i = 0; i < 5; i++) {
        CHECK(fm_submit(client, spec, NULL, &job) == 0);
        struct fm_stream *s = fm_results(job, NULL);
        for (long expected = 1; expected < 300; expected++)
            CHECK(fm_next_within(s, 20, &r) == 1 && number_in(&r) == expected);
        fclose(fopen(path_of("seen"), "w"));
        CHECK(fm_next(s, &r) == 1 && number_in(&r) == 300);
        CHECK(fm_next(s, &r) == 0);
        fm_stream_close(s);
        fm_job_free(job);
        remove(path_of("seen"));
    }
    fm_spec_free(spec);
}

// Items that the program pushes while it reads.
static void pushing(void)
{
    struct fm_spec *spec = fm_spec_new("pushed");
    struct fm_job *job;
    struct fm_result r;
    CHECK(fm_spec_kernel(spec, NULL, "identity", NULL) == 0);
    CHECK(fm_submit(client, spec, NULL, &job) == 0);
    struct fm_stream *s = fm_results(job, NULL);
    for (int i = 0; i < 2000; i++) {
        char item[16];
        int len = snprintf(item, sizeof(item), "%d", i);
        CHECK(fm_push(job, item, (size_t)len) == 0);
        if (i % 100 == 0) // there and back, one at a time
            CHECK(fm_next(s, &r) == 1 && number_in(&r) == i / 100);
    }
    CHECK(fm_push_end(job) == 0);
    CHECK(fm_push(job, "x", 1) == -EPIPE);
    for (long i = 20; i < 2000; i++)
        CHECK(fm_next(s, &r) == 1 && number_in(&r) == i);
    CHECK(fm_next(s, &r) == 0);
    fm_stream_close(s);
    fm_job_free(job);
    // Several in a chunk; the last has fewer.
    CHECK(fm_spec_items_per_chunk(spec, 8) == 0);
    CHECK(fm_submit(client, spec, NULL, &job) == 0);
    s = fm_results(job, NULL);
    for (int i = 0; i < 20; i++)
        CHECK(fm_push(job, "abc", 3) == 0);
    fm_push_end(job);
    int chunks = 0, n;
    while ((n = fm_next(s, &r)) == 1)
        chunks++;
    CHECK(n == 0 && chunks == 3);
    fm_stream_close(s);
    fm_job_free(job);
    fm_spec_free(spec);
}

static void mistakes(void)
{
    struct fm_job *job;
    struct fm_spec *spec = fm_spec_new("Not A Name");
    const char *const none[] = {NULL};
    CHECK(fm_submit_yaml(client, "version: 1\nsource: {range: 1..3}\nstages: [{comand: [x]}]\n",
                         NULL, NULL, &job) == -EINVAL);
    CHECK(strstr(fm_error(), "job:3:") && strstr(fm_error(), "comand"));
    CHECK(fm_submit_file(client, "/nowhere.yaml", &job) == -ENOENT);
    CHECK(fm_spec_command(spec, none) == -EINVAL);
    CHECK(fm_spec_range(spec, 1, 0, 1) == -EINVAL);
    CHECK(fm_submit(client, spec, NULL, &job) == -EINVAL); // no stage
    CHECK(fm_spec_kernel(spec, NULL, "identity", NULL) == 0);
    CHECK(fm_submit(client, spec, NULL, &job) == -EINVAL); // its name
    fm_spec_free(spec);
    struct fm_client *other;
    CHECK(fm_connect("/nowhere", &other) == -ENOENT);
}

static const struct {
    const char *name;
    void (*run)(void);
} tests[] = {
    {"S1", s1_lazy},
    {"S2", s2_one_consumer},
    {"S3", s3_sticky_end},
    {"S4", s4_close_is_a_verb},
    {"S5", s5_a_timeout_loses_nothing},
    {"S6", s6_credit_bounds_both_ends},
    {"S7", s7_orders},
    {"S8", s8_envelope},
    {"S9", s9_each_once},
    {"S10", s10_resume},
    {"S11", s11_partial_results},
    {"S12", s12_scope},
    {"S13", s13_operators},
    {"S14", s14_nothing_runs_by_itself},
    {"S15", s15_clocks},
    {"descriptor", descriptor},
    {"descriptor-of-operators", descriptor_of_operators},
    {"groups", groups},
    {"two-clients", two_clients},
    {"held-up", nothing_is_held_up},
    {"pushing", pushing},
    {"mistakes", mistakes},
};

int main(int argc, char **argv)
{
    for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
        if (argc > 1 && strcmp(argv[1], tests[i].name) != 0)
            continue;
        if (argc == 1) {
            puts(tests[i].name);
            continue;
        }
        CHECK(fm_connect(NULL, &client) == 0);
        tests[i].run();
        fm_disconnect(client);
        return 0;
    }
    return argc > 1;
}
