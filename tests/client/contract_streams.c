// S1 to S8: what a stream gives, and when.
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "contract.h"

void s1_lazy(void)
{
    struct fm_job *job = numbers(100, "echo on >>$2/s1; echo $1", FM_ORDER_INPUT, NULL);
    struct fm_job_status status;
    struct fm_result result;
    for (int i = 0; i < 5; i++)
        CHECK(fm_job_status(job, &status) == 0);
    CHECK(status.running == 0 && status.ok == 0);
    CHECK(lines_of("s1") == 0); // no result was asked for
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

void s2_one_consumer(void)
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

void s3_sticky_end(void)
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

void s4_close_is_a_verb(void)
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

void s5_a_timeout_loses_nothing(void)
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

void s6_credit_bounds_both_ends(void)
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

void s7_orders(void)
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

void s8_envelope(void)
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
