// Peers that don't behave, with a key that is good. usage: rude ACCESS WHAT [N]
//   garbage N    random frames, and good messages with changed bytes
//   oversized    frames over every limit
//   version      a HELLO of unknown versions
//   order        messages before HELLO, twice, and of other peers
//   connects N   connections that say HELLO and go
//   stale        a worker's session that another connection has taken over: its results are worth
//                nothing
//   deaf N       a client that opens a stream with endless credit and reads nothing, N s long
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "proto/client.h"
#include "tests/unit/proto/samples.h"
#include "transport/access.h"
#include "transport/zsock.h"

static struct transport *transport;
static struct access access_file;
static uint64_t seed = 1;

static uint64_t next_random(void)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return seed >> 16;
}

static struct zsock *knock(void)
{
    struct zsock *z = NULL;
    struct err err = {0};
    if (zsock_open_plain(transport, ZSOCK_DEALER, &z, &err) < 0 ||
        zsock_set_client_keys(z, access_file.coordinator, &access_file.keys, &err) < 0 ||
        zsock_connect(z, access_file.endpoints[0], &err) < 0) {
        fprintf(stderr, "rude: %s\n", err.text);
        exit(1);
    }
    return z;
}

// Type of the next message that says something, or -1 when long none came; of WELCOME its epoch.
// Heartbeats and steps come when they come.
static int hear_epoch(struct zsock *z, uint64_t *ret_epoch)
{
    int64_t deadline = clock_now() + 120 * NS_PER_S;
    while (clock_now() < deadline) {
        struct zmessage m = {0};
        struct msg_welcome welcome;
        struct err err;
        if (zsock_recv(z, &m) != 1) {
            struct pollfd fd = {.fd = zsock_fd(z), .events = POLLIN};
            poll(&fd, 1, 10);
            continue;
        }
        int type = msg_type_of(m.header, m.header_len);
        if (type == MSG_WELCOME &&
            msg_get(m.header, m.header_len, MSG_WELCOME, &welcome, &err) == 0)
            *ret_epoch = welcome.epoch;
        zmessage_done(&m);
        if (type != MSG_STEP && type != MSG_HEARTBEAT)
            return type;
    }
    return -1;
}

static int hear(struct zsock *z)
{
    uint64_t epoch;
    return hear_epoch(z, &epoch);
}

static void expect(int got, int wanted, const char *what)
{
    if (got == wanted)
        return;
    fprintf(stderr, "rude: %s: got %s, expected %s\n", what, got < 0 ? "nothing" : msg_name(got),
            msg_name(wanted));
    exit(1);
}

static void hello_as(struct zsock *z, uint32_t min, uint32_t max, uint64_t session)
{
    struct msg_hello m = {.version_min = min, .version_max = max, .software = "rude"};
    struct buf header;
    buf_init(&header, 0);
    memcpy(m.session, &session, sizeof(session));
    msg_put(&header, MSG_HELLO, &m);
    zsock_send(z, 0, header.data, header.len, NULL, 0);
    buf_done(&header);
}

static void hello(struct zsock *z, uint32_t min, uint32_t max)
{
    hello_as(z, min, max, next_random());
}

static void garbage(long n)
{
    struct zsock *z = knock();
    uint8_t noise[600];
    for (long i = 0; i < n; i++) {
        struct buf header, body;
        buf_init(&header, 0);
        buf_init(&body, 0);
        const struct sample *sample = &samples[next_random() % N_SAMPLES];
        if (i % 3)
            hello(z, 1, 1); // the last mistake ended what was there
        from_hex(sample->header, &header);
        from_hex(sample->body, &body);
        for (uint64_t k = next_random() % 4; k > 0; k--)
            header.data[next_random() % header.len] = (uint8_t)next_random();
        if (i % 5 == 0) {
            for (size_t k = 0; k < sizeof(noise); k++)
                noise[k] = (uint8_t)next_random();
            zsock_send(z, 0, noise, next_random() % sizeof(noise) + 1, noise,
                       next_random() % sizeof(noise));
        } else {
            zsock_send(z, 0, header.data, header.len, body.data, body.len);
        }
        buf_done(&header);
        buf_done(&body);
        struct zmessage m = {0};
        while (zsock_recv(z, &m) == 1)
            zmessage_done(&m);
        if (i % 500 == 499) { // never so fast that the socket's own queue is all that fills
            hello(z, 1, 1);
            for (int type = hear(z); type >= 0 && type != MSG_WELCOME; type = hear(z))
                ;
        }
    }
    zsock_close(z);
}

static void oversized(void)
{
    const size_t sizes[] = {PROTO_HEADER_MAX + 1, PROTO_STEP_MAX * 4, 64u << 20};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct zsock *z = knock();
        uint8_t *bytes = calloc(1, sizes[i]);
        hello(z, 1, 1);
        expect(hear(z), MSG_WELCOME, "a good HELLO");
        zsock_send(z, 0, bytes, sizes[i], NULL, 0);
        expect(hear(z), MSG_REFUSE, "a header over the limit");
        free(bytes);
        zsock_close(z);
    }
}

static void version(void)
{
    struct zsock *z = knock();
    hello(z, 1000, 1001);
    expect(hear(z), MSG_REFUSE, "a version from the future");
    hello(z, 0, 0);
    expect(hear(z), MSG_REFUSE, "a version from the past");
    hello(z, 1, 1000);
    expect(hear(z), MSG_WELCOME, "a version in common");
    zsock_close(z);
}

static void order(void)
{
    struct zsock *z = knock();
    struct buf header;
    buf_init(&header, 0);
    msg_put(&header, MSG_QUERY, &(struct msg_query){.request = 1});
    zsock_send(z, 0, header.data, header.len, NULL, 0);
    expect(hear(z), MSG_REFUSE, "a QUERY before HELLO");
    hello(z, 1, 1);
    expect(hear(z), MSG_WELCOME, "HELLO");
    hello(z, 1, 1);
    expect(hear(z), MSG_WELCOME, "HELLO again");
    buf_clear(&header);
    msg_put(&header, MSG_ACK, &(struct msg_ack){1});
    zsock_send(z, 0, header.data, header.len, NULL, 0);
    expect(hear(z), MSG_REFUSE, "a coordinator's message");
    buf_done(&header);
    zsock_close(z);
}

static void connects(long n)
{
    struct zsock *z[16];
    for (long i = 0; i < n; i += 16) {
        for (int k = 0; k < 16; k++) {
            z[k] = knock();
            hello(z[k], 1, 1);
        }
        for (int k = 0; k < 16; k++) {
            expect(hear(z[k]), MSG_WELCOME, "HELLO");
            zsock_close(z[k]);
        }
    }
}

static void send_header(struct zsock *z, struct buf *header)
{
    zsock_send(z, 0, header->data, header->len, NULL, 0);
    buf_clear(header);
}

// A result for the first chunk of job 1, as a worker that has it would send it.
static void lie(struct zsock *z, uint64_t epoch)
{
    struct buf header, body;
    struct batch_writer writer;
    buf_init(&header, 0);
    buf_init(&body, 0);
    result_batch_begin(&writer, &header, &body, epoch, 1);
    result_batch_add(&writer, &(struct result){.job = 1,
                                               .attempt = 1,
                                               .n_items = 1,
                                               .body = (const uint8_t *)"a lie\n",
                                               .body_len = 6});
    result_batch_end(&writer);
    zsock_send(z, 0, header.data, header.len, body.data, body.len);
    buf_done(&header);
    buf_done(&body);
}

static void stale(void)
{
    struct zsock *first = knock(), *second;
    struct msg_register reg = {.name = "stale", .host = "here", .pid = 1, .slots = 1};
    struct buf header;
    uint64_t epoch = 0;
    buf_init(&header, 0);
    hello_as(first, 1, 1, 77);
    expect(hear_epoch(first, &epoch), MSG_WELCOME, "HELLO");
    reg.resources.cpus = 1000;
    msg_put(&header, MSG_REGISTER, &reg);
    send_header(first, &header);
    msg_put(&header, MSG_CREDIT, &(struct msg_credit){.window_items = 4, .window_bytes = 1 << 20});
    send_header(first, &header);
    expect(hear_epoch(first, &epoch), MSG_LEASE, "a lease");
    // The same session on another connection, which names nothing: what the first one had runs
    // elsewhere.
    second = knock();
    hello_as(second, 1, 1, 77);
    expect(hear_epoch(second, &epoch), MSG_WELCOME, "HELLO of the same session");
    msg_put(&header, MSG_REGISTER, &reg);
    send_header(second, &header);
    lie(second, epoch);     // it has no lease
    lie(second, epoch + 1); // nor is it of another coordinator
    expect(hear_epoch(second, &epoch), MSG_ACK, "a result without a lease");
    lie(first, epoch);
    expect(hear_epoch(first, &epoch), MSG_REFUSE,
           "a result of a session that is not its own any more");
    buf_done(&header);
    zsock_close(first);
    zsock_close(second);
}

static void deaf(long seconds)
{
    struct zsock *z = knock();
    struct buf header;
    buf_init(&header, 0);
    hello(z, 1, 1);
    expect(hear(z), MSG_WELCOME, "HELLO");
    msg_put(&header, MSG_OPEN, &(struct msg_open){.stream = 1, .job = 1});
    zsock_send(z, 0, header.data, header.len, NULL, 0);
    buf_clear(&header);
    msg_put(&header, MSG_TAKE,
            &(struct msg_take){.stream = 1, .offset_end = UINT64_MAX / 2, .bytes = UINT64_MAX / 2});
    zsock_send(z, 0, header.data, header.len, NULL, 0);
    buf_done(&header);
    poll(NULL, 0, (int)seconds * 1000);
    zsock_close(z);
}

int main(int argc, char **argv)
{
    struct err err = {0};
    const char *what = argc > 2 ? argv[2] : "";
    long n = argc > 3 ? atol(argv[3]) : 1;
    if (argc < 3 || access_read(argv[1], &access_file, &err) < 0 ||
        transport_new(&transport, &err) < 0) {
        fprintf(stderr, "rude: %s\n", err.text);
        return 2;
    }
    if (strcmp(what, "garbage") == 0)
        garbage(n);
    else if (strcmp(what, "oversized") == 0)
        oversized();
    else if (strcmp(what, "version") == 0)
        version();
    else if (strcmp(what, "order") == 0)
        order();
    else if (strcmp(what, "stale") == 0)
        stale();
    else if (strcmp(what, "connects") == 0)
        connects(n);
    else if (strcmp(what, "deaf") == 0)
        deaf(n);
    else
        return 2;
    transport_free(transport);
    return 0;
}
