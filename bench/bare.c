// The bare limits to compare with, over TCP with CURVE between processes: PUSH/PULL of 1 MiB,
// direct or through a third process that passes each message on, as results go from worker to
// coordinator to client; a ping-pong of 16 bytes. usage: bench_bare data|relay|rtt N
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <zmq.h>

static char server_public[41], server_secret[41], client_public[41], client_secret[41];

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void *open_socket(void *context, int type, int is_server)
{
    void *socket = zmq_socket(context, type);
    int one = 1;
    if (is_server) {
        zmq_setsockopt(socket, ZMQ_CURVE_SERVER, &one, sizeof(one));
        zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, server_secret, 40);
    } else {
        zmq_setsockopt(socket, ZMQ_CURVE_SERVERKEY, server_public, 40);
        zmq_setsockopt(socket, ZMQ_CURVE_PUBLICKEY, client_public, 40);
        zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, client_secret, 40);
    }
    return socket;
}

static void be_client(int from, int is_data, int n)
{
    char endpoint[128] = "";
    if (read(from, endpoint, sizeof(endpoint)) <= 0)
        _exit(1);
    void *context = zmq_ctx_new();
    void *socket = open_socket(context, is_data ? ZMQ_PUSH : ZMQ_DEALER, 0);
    zmq_connect(socket, endpoint);
    char *bytes = calloc(1, 1 << 20);
    for (int i = 0; i < n; i++) {
        if (is_data) {
            zmq_send(socket, bytes, 1 << 20, 0);
        } else {
            int len = zmq_recv(socket, bytes, 64, 0);
            zmq_send(socket, bytes, (size_t)len, 0);
        }
    }
    zmq_close(socket);
    zmq_ctx_term(context);
    _exit(0);
}

static void be_relay(int from, int to, int n)
{
    char endpoint[128] = "", own[128];
    size_t len = sizeof(own);
    if (read(from, endpoint, sizeof(endpoint)) <= 0)
        _exit(1);
    void *context = zmq_ctx_new();
    void *in = open_socket(context, ZMQ_PULL, 1);
    void *out = open_socket(context, ZMQ_PUSH, 0);
    zmq_bind(in, "tcp://127.0.0.1:*");
    zmq_connect(out, endpoint);
    zmq_getsockopt(in, ZMQ_LAST_ENDPOINT, own, &len);
    if (write(to, own, len) < 0)
        _exit(1);
    for (int i = 0; i < n; i++) {
        zmq_msg_t m;
        zmq_msg_init(&m);
        zmq_msg_recv(&m, in, 0);
        zmq_msg_send(&m, out, 0);
    }
    zmq_close(in);
    zmq_close(out);
    zmq_ctx_term(context);
    _exit(0);
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
    int is_relay = argc > 1 && strcmp(argv[1], "relay") == 0;
    int is_data = is_relay || (argc > 1 && strcmp(argv[1], "data") == 0);
    int n = argc > 2 ? atoi(argv[2]) : 1000;
    int to[2], on[2];
    zmq_curve_keypair(server_public, server_secret);
    zmq_curve_keypair(client_public, client_secret);
    if (pipe(to) < 0 || pipe(on) < 0)
        return 1;
    if (fork() == 0)
        be_client(is_relay ? on[0] : to[0], is_data, n);
    if (is_relay && fork() == 0)
        be_relay(to[0], on[1], n);
    char endpoint[128];
    size_t len = sizeof(endpoint);
    void *context = zmq_ctx_new();
    void *socket = open_socket(context, is_data ? ZMQ_PULL : ZMQ_DEALER, 1);
    zmq_bind(socket, "tcp://127.0.0.1:*");
    zmq_getsockopt(socket, ZMQ_LAST_ENDPOINT, endpoint, &len);
    if (write(to[1], endpoint, len) < 0)
        return 1;
    char *bytes = calloc(1, 1 << 20);
    double *times = calloc((size_t)n, sizeof(*times));
    double begin = 0;
    for (int i = 0; i < n; i++) {
        if (is_data) {
            zmq_recv(socket, bytes, 1 << 20, 0);
            if (i == 0)
                begin = now();
        } else {
            double sent = now();
            zmq_send(socket, "0123456789abcdef", 16, 0);
            zmq_recv(socket, bytes, 64, 0);
            times[i] = now() - sent;
        }
    }
    if (is_data) {
        printf("%.0f\n", (n - 1) / (now() - begin));
    } else {
        qsort(times, (size_t)n, sizeof(*times), compare);
        printf("%.0f %.0f\n", times[n / 2] * 1e6, times[n * 99 / 100] * 1e6);
    }
    while (wait(NULL) > 0)
        ;
    zmq_close(socket);
    zmq_ctx_term(context);
    return 0;
}
