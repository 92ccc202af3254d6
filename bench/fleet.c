// Many simulated workers in one process: they register, take leases and answer each chunk at once
// with an empty result. usage: bench_fleet ACCESS WORKERS SLOTS SECONDS
//
// Runs until nothing has come for SECONDS, then prints a line: all chunks, and the fewest and the
// most that a worker got.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "proto/message.h"
#include "transport/access.h"
#include "transport/zsock.h"

#define AHEAD 4 // leases ahead, times the slots

struct fake {
    struct zsock *z;
    struct buf header, body;
    uint64_t epoch;
    uint64_t seq;
    uint64_t chunks;
};

static struct access access_file;
static struct batch_reader reader;

static void fail(const char *what)
{
    fprintf(stderr, "bench_fleet: %s\n", what);
    exit(1);
}

static void send_header(struct fake *w)
{
    if (zsock_send(w->z, 0, w->header.data, w->header.len, NULL, 0) < 0)
        fail("a message was not sent");
    buf_clear(&w->header);
}

static void register_it(struct fake *w, unsigned number, uint32_t slots)
{
    struct msg_register reg = {.host = "fleet", .pid = number + 1, .slots = slots};
    snprintf(reg.name, sizeof(reg.name), "fake%u", number);
    reg.resources.cpus = 1000ull * slots;
    msg_put(&w->header, MSG_REGISTER, &reg);
    send_header(w);
    msg_put(&w->header, MSG_CREDIT,
            &(struct msg_credit){.window_items = AHEAD * slots, .window_bytes = 64 << 20});
    send_header(w);
}

// Answers all chunks of a LEASE with one RESULT.
static void answer(struct fake *w, const struct zmessage *m)
{
    struct err err;
    struct lease lease;
    struct batch_writer writer;
    int r = lease_batch_open(&reader, m->header, m->header_len, m->body ? m->body->data : NULL,
                             m->body ? m->body->len : 0, &err);
    buf_clear(&w->header);
    buf_clear(&w->body);
    result_batch_begin(&writer, &w->header, &w->body, w->epoch, w->seq + 1);
    while (r == 0 && (r = lease_batch_next(&reader, &lease, &err)) == 1) {
        for (uint32_t i = 0; i < lease.count; i++) {
            struct result result = {.job = lease.job,
                                    .step = lease.step,
                                    .attempt = lease.attempt,
                                    .chunk = lease.first + i,
                                    .ending.run_ns = 1000,
                                    .n_items = 1};
            if (result_batch_add(&writer, &result) < 0)
                fail("a result does not fit");
            w->seq++;
            w->chunks++;
        }
        r = 0;
    }
    result_batch_end(&writer);
    send_header(w);
}

static bool pump(struct fake *w, unsigned number, uint32_t slots)
{
    bool any = false;
    struct zmessage m = {0};
    while (zsock_recv(w->z, &m) == 1) {
        int type = msg_type_of(m.header, m.header_len);
        struct msg_welcome welcome;
        struct err err;
        if (type == MSG_WELCOME &&
            msg_get(m.header, m.header_len, MSG_WELCOME, &welcome, &err) == 0) {
            w->epoch = welcome.epoch;
            register_it(w, number, slots);
        } else if (type == MSG_LEASE) {
            answer(w, &m);
            any = true;
        } else if (type == MSG_HEARTBEAT) {
            msg_put(&w->header, MSG_HEARTBEAT, &(struct msg_heartbeat){0});
            send_header(w);
        } else if (type == MSG_REFUSE || type == MSG_BYE) {
            fail("the coordinator does not want a worker");
        }
        zmessage_done(&m);
    }
    return any;
}

int main(int argc, char **argv)
{
    struct err err = {0};
    struct transport *transport;
    if (argc != 5)
        fail("usage: bench_fleet ACCESS WORKERS SLOTS SECONDS");
    unsigned n = (unsigned)atoi(argv[2]);
    uint32_t slots = (uint32_t)atoi(argv[3]);
    int64_t quiet = atoi(argv[4]) * NS_PER_S;
    fd_raise_limit();
    if (access_read(argv[1], &access_file, &err) < 0 || transport_new(&transport, &err) < 0)
        fail(err.text);
    struct fake *fleet = calloc(n, sizeof(*fleet));
    int poll = epoll_create1(EPOLL_CLOEXEC);
    batch_reader_init(&reader);
    for (unsigned i = 0; i < n; i++) {
        struct fake *w = &fleet[i];
        struct msg_hello hello = {.version_min = 1, .version_max = 1, .software = "fleet"};
        struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.u32 = i};
        memcpy(hello.session, &i, sizeof(i));
        hello.session[8] = (uint8_t)getpid();
        hello.session[9] = (uint8_t)(getpid() >> 8);
        buf_init(&w->header, 0);
        buf_init(&w->body, 0);
        if (zsock_open_plain(transport, ZSOCK_DEALER, &w->z, &err) < 0)
            fail(err.text);
        if (access_file.keys.secret_key[0] &&
            zsock_set_client_keys(w->z, access_file.coordinator, &access_file.keys, &err) < 0)
            fail(err.text);
        if (zsock_connect(w->z, access_file.endpoints[0], &err) < 0)
            fail(err.text);
        epoll_ctl(poll, EPOLL_CTL_ADD, zsock_fd(w->z), &event);
        msg_put(&w->header, MSG_HELLO, &hello);
        send_header(w);
    }
    int64_t last = clock_now();
    while (clock_now() - last < quiet) {
        struct epoll_event events[256];
        int got = epoll_wait(poll, events, 256, 20);
        bool any = false;
        for (int i = 0; i < got; i++)
            any |= pump(&fleet[events[i].data.u32], events[i].data.u32, slots);
        // The descriptor reports edges only, and sending may swallow one.
        for (unsigned i = 0; i < n && got == 0; i++)
            if (zsock_readable(fleet[i].z))
                any |= pump(&fleet[i], i, slots);
        if (any)
            last = clock_now();
    }
    uint64_t all = 0, least = UINT64_MAX, most = 0;
    for (unsigned i = 0; i < n; i++) {
        all += fleet[i].chunks;
        least = fleet[i].chunks < least ? fleet[i].chunks : least;
        most = fleet[i].chunks > most ? fleet[i].chunks : most;
        zsock_close(fleet[i].z);
        buf_done(&fleet[i].header);
        buf_done(&fleet[i].body);
    }
    printf("%llu %llu %llu\n", (unsigned long long)all, (unsigned long long)least,
           (unsigned long long)most);
    batch_reader_done(&reader);
    free(fleet);
    close(poll);
    transport_free(transport);
    return 0;
}
