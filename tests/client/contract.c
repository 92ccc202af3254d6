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

#include "contract.h"

struct fm_client *client;

char *path_of(const char *name)
{
    static char path[4][512];
    static int turn;
    turn = (turn + 1) % 4;
    snprintf(path[turn], sizeof(path[turn]), "%s/%s", getenv("WORK"), name);
    return path[turn];
}

int lines_of(const char *name)
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
struct fm_job *numbers(uint64_t count, const char *script, enum fm_order order,
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

struct fm_job *kernels(uint64_t count, const char *function)
{
    struct fm_spec *spec = fm_spec_new("kernels");
    struct fm_job *job = NULL;
    CHECK(fm_spec_range(spec, 1, 1, count) == 0);
    CHECK(fm_spec_kernel(spec, NULL, function, NULL) == 0);
    CHECK(fm_submit(client, spec, NULL, &job) == 0);
    fm_spec_free(spec);
    return job;
}

long number_in(const struct fm_result *r)
{
    char text[32];
    snprintf(text, sizeof(text), "%.*s", (int)r->size, (const char *)r->data);
    return strtol(text, NULL, 10);
}

struct fm_stream *window(struct fm_job *job, uint64_t items)
{
    const struct fm_stream_options o = {.size = sizeof(o), .window_items = items};
    return fm_results(job, &o);
}

void until_lines(const char *file, int n)
{
    for (int i = 0; i < TRIES && lines_of(file) < n; i++)
        poll(NULL, 0, 10);
    CHECK(lines_of(file) >= n);
}

void until_idle(struct fm_job *job)
{
    struct fm_job_status status = {.running = 1};
    for (int i = 0; i < TRIES && status.running; i++) {
        CHECK(fm_job_status(job, &status) == 0);
        poll(NULL, 0, 10);
    }
    CHECK(status.running == 0);
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
