// S9 to S15, and what else the library promises of jobs.
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "contract.h"

void s9_each_once(void)
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

void s10_resume(void)
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

void s11_partial_results(void)
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

void s12_scope(void)
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

void s13_operators(void)
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
    // merge: all of all; a slow one delays no other.
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

void s14_nothing_runs_by_itself(void)
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
    CHECK(strstr(text, "a stream was not closed: opened at") && strstr(text, "contract_jobs.c"));
    // A handle that is left does no harm.
    CHECK(!fm_results(job, NULL) && fm_job_cancel(job, FM_CANCEL_KILL) == -ENOTCONN);
    fm_job_free(job);
}

void s15_clocks(void)
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
void descriptor(void)
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

// A finished result is not held up by the next chunk: here that one waits for its reader.
void nothing_is_held_up(void)
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
void pushing(void)
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

void mistakes(void)
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
