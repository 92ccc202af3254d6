// What operators promise beside S13: descriptors, lifetimes, several clients.
#include <errno.h>
#include <poll.h>
#include <string.h>

#include "contract.h"

// Into memory of its own, which the next call writes over.
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
void descriptor_of_operators(void)
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
void groups(void)
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
void two_clients(void)
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
