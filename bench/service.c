// Figures of a running coordinator, as a client sees them. usage: bench_service rtt|rate|data [N]
// FANMILL_CONNECT leads to it; for `data` BENCH_KERNELS names the library with mebibyte().
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <fanmill/client.h>

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "bench_service: not so: %s (%s)\n", #condition, fm_error());           \
            exit(1);                                                                               \
        }                                                                                          \
    } while (0)

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

// One item there and back, one at a time: client, coordinator, worker, executor and back.
static void rtt(struct fm_client *client, int n)
{
    struct fm_spec *spec = fm_spec_new("rtt");
    struct fm_job *job;
    struct fm_result r;
    double *times = calloc((size_t)n, sizeof(*times));
    CHECK(times && fm_spec_kernel(spec, NULL, "identity", NULL) == 0);
    CHECK(fm_submit(client, spec, NULL, &job) == 0);
    struct fm_stream *s = fm_results(job, NULL);
    for (int i = -200; i < n; i++) { // the first are for warmth
        double begin = now();
        CHECK(fm_push(job, "0123456789abcdef", 16) == 0);
        CHECK(fm_next(s, &r) == 1);
        if (i >= 0)
            times[i] = now() - begin;
    }
    qsort(times, (size_t)n, sizeof(*times), compare);
    printf("%.0f %.0f\n", times[n / 2] * 1e6, times[n * 99 / 100] * 1e6); // us
    fm_push_end(job);
    fm_stream_close(s);
    fm_job_free(job);
    fm_spec_free(spec);
    free(times);
}

static double drain(struct fm_stream *s, double *ret_bytes)
{
    struct fm_result r;
    double begin = now(), bytes = 0;
    int n;
    while ((n = fm_next(s, &r)) == 1)
        bytes += (double)r.size;
    CHECK(n == 0);
    *ret_bytes = bytes;
    return now() - begin;
}

static void rate(struct fm_client *client, int n)
{
    const struct fm_stream_options wide = {.size = sizeof(wide), .window_items = 65536};
    struct fm_spec *spec = fm_spec_new("rate");
    struct fm_job *job;
    double bytes;
    CHECK(fm_spec_range(spec, 1, 1, (uint64_t)n) == 0);
    CHECK(fm_spec_kernel(spec, NULL, "noop", NULL) == 0);
    CHECK(fm_spec_order(spec, FM_ORDER_COMPLETION) == 0);
    CHECK(fm_submit(client, spec, NULL, &job) == 0);
    struct fm_stream *s = fm_results(job, &wide);
    printf("%.0f\n", n / drain(s, &bytes)); // chunks/s
    fm_stream_close(s);
    fm_job_free(job);
    fm_spec_free(spec);
}

static void data(struct fm_client *client, int n)
{
    struct fm_spec *spec = fm_spec_new("data");
    struct fm_job *job;
    double bytes;
    CHECK(fm_spec_range(spec, 1, 1, (uint64_t)n) == 0);
    CHECK(fm_spec_kernel(spec, getenv("BENCH_KERNELS"), "mebibyte", NULL) == 0);
    CHECK(fm_submit(client, spec, NULL, &job) == 0);
    struct fm_stream *s = fm_results(job, NULL);
    double seconds = drain(s, &bytes);
    printf("%.0f\n", bytes / seconds / (1 << 20)); // MiB/s
    fm_stream_close(s);
    fm_job_free(job);
    fm_spec_free(spec);
}

int main(int argc, char **argv)
{
    struct fm_client *client;
    const char *what = argc > 1 ? argv[1] : "";
    int n = argc > 2 ? atoi(argv[2]) : 1000;
    CHECK(fm_connect(NULL, &client) == 0);
    if (strcmp(what, "rtt") == 0)
        rtt(client, n);
    else if (strcmp(what, "rate") == 0)
        rate(client, n);
    else if (strcmp(what, "data") == 0)
        data(client, n);
    else
        return 2;
    fm_disconnect(client);
    return 0;
}
