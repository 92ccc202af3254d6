#include "transport/zsock.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <zmq.h>

#include "transport/keys.h"
#include "transport/zsock_own.h"

#define FILES_MIN 48u
#define THREADS_TRIED 4u       // ZeroMQ begins two; as many more are left to other processes
#define THREADS_GONE_MAX 10000 // turns of the scheduler until a joined thread counts no more
#define QUEUE_MESSAGES 20000   // HWM: a fuse. Credit keeps the queue below it
#define HANDSHAKE_MS 5000
#define RECONNECT_MS 50
#define RECONNECT_MAX_MS 10000
#define KEEPALIVE_IDLE 5        // seconds without a byte, then the kernel probes
#define KEEPALIVE_EACH 2        // seconds between two such probes
#define KEEPALIVE_COUNT 3       // unanswered probes end the connection
#define UNACKNOWLEDGED_MS 10000 // sent and not acknowledged for this time: likewise
#define CONNECT_MS 10000
#define BACKLOG 1024
#define ENFORCE_DOMAIN 93 // ZMQ_ZAP_ENFORCE_DOMAIN: a draft's name, but the number works

static void *probe(void *arg)
{
    pthread_mutex_t *all_there = arg;
    pthread_mutex_lock(all_there);
    pthread_mutex_unlock(all_there);
    return NULL;
}

// Links of /proc/self/task: two, and one for each thread. 0: unknown.
static unsigned long count_threads(void)
{
    struct stat st;
    return stat("/proc/self/task", &st) < 0 ? 0 : (unsigned long)st.st_nlink;
}

// ZeroMQ aborts the process when it can't have its threads: whether so many can be had is tried.
static int probe_threads(void)
{
    pthread_mutex_t all_there = PTHREAD_MUTEX_INITIALIZER;
    unsigned long before = count_threads();
    pthread_t threads[THREADS_TRIED];
    unsigned n = 0;
    int r = 0;
    pthread_mutex_lock(&all_there);
    while (n < THREADS_TRIED && (r = pthread_create(&threads[n], NULL, probe, &all_there)) == 0)
        n++;
    pthread_mutex_unlock(&all_there);
    while (n > 0)
        pthread_join(threads[--n], NULL);
    // A thread that was joined is still counted by the kernel for some microseconds.
    for (n = 0; n < THREADS_GONE_MAX && count_threads() > before; n++)
        sched_yield();
    return -r;
}

int transport_new(struct transport **ret, struct err *err)
{
    struct rlimit files;
    // ZeroMQ aborts the process when it can't open its descriptors.
    if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < FILES_MIN)
        return err_set(err, -EMFILE, "%llu open files are allowed (ulimit -n); %u are needed",
                       (unsigned long long)files.rlim_cur, FILES_MIN);
    int r = probe_threads();
    if (r < 0)
        return err_sys(
            err, r,
            "the machine refuses the threads that are needed to begin (ulimit -u, pids.max "
            "or memory)");
    struct transport *t = calloc(1, sizeof(*t));
    if (!t)
        return err_set(err, -ENOMEM, "out of memory");
    t->context = zmq_ctx_new();
    if (!t->context) {
        int code = -errno;
        free(t);
        return err_sys(err, code, "can't start ZeroMQ");
    }
    *ret = t;
    return 0;
}

struct transport *transport_free(struct transport *t)
{
    if (!t)
        return NULL;
    while (zmq_ctx_term(t->context) < 0 && errno == EINTR)
        ;
    free(t);
    return NULL;
}

static int set_options(void *socket, enum zsock_kind kind)
{
    int64_t max = ZMESSAGE_MAX;
    if (zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &max, sizeof(max)) < 0)
        return -errno;
    const struct {
        int option;
        int value;
    } options[] = {
        {ZMQ_LINGER, 0},
        {ZMQ_SNDHWM, QUEUE_MESSAGES},
        {ZMQ_RCVHWM, QUEUE_MESSAGES},
        {ZMQ_HANDSHAKE_IVL, HANDSHAKE_MS},
        {ZMQ_RECONNECT_IVL, RECONNECT_MS},
        {ZMQ_RECONNECT_IVL_MAX, RECONNECT_MAX_MS},
    };
    for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
        int r = socket_set_int(socket, options[i].option, options[i].value);
        if (r < 0)
            return r;
    }
    return kind == ZSOCK_ROUTER ? socket_set_int(socket, ZMQ_ROUTER_MANDATORY, 1) : 0;
}

int zsock_open_plain(struct transport *t, enum zsock_kind kind, struct zsock **ret, struct err *err)
{
    struct zsock *z = calloc(1, sizeof(*z));
    if (!z)
        return err_set(err, -ENOMEM, "out of memory");
    z->kind = kind;
    z->socket = zmq_socket(t->context, kind == ZSOCK_ROUTER ? ZMQ_ROUTER : ZMQ_DEALER);
    if (!z->socket) {
        int code = -errno;
        free(z);
        return err_sys(err, code, "can't open a socket");
    }
    int r = set_options(z->socket, kind);
    if (r < 0) {
        zsock_close(z);
        return err_sys(err, r, "can't set up a socket");
    }
    *ret = z;
    return 0;
}

int zsock_open(struct transport *t, enum zsock_kind kind, zsock_ready_fn *ready, void *arg,
               struct zsock **ret, struct err *err)
{
    struct zsock *z = NULL;
    int r = zsock_open_plain(t, kind, &z, err);
    if (r < 0)
        return r;
    assert(z);
    r = looped_add(&z->looped, z->socket, ready, arg);
    if (r < 0) {
        zsock_close(z);
        return err_sys(err, r, "can't set up a socket");
    }
    *ret = z;
    return 0;
}

struct zsock *zsock_close(struct zsock *z)
{
    if (!z)
        return NULL;
    if (z->looped.socket)
        looped_done(&z->looped);
    else
        zmq_close(z->socket);
    free(z);
    return NULL;
}

void zsock_set_linger(struct zsock *z, int ms)
{
    socket_set_int(z->socket, ZMQ_LINGER, ms);
}

int zsock_fd(const struct zsock *z)
{
    int fd = -1;
    size_t len = sizeof(fd);
    return zmq_getsockopt(z->socket, ZMQ_FD, &fd, &len) < 0 ? -errno : fd;
}

bool zsock_readable(struct zsock *z)
{
    return socket_readable(z->socket);
}

// What a connection over a network needs besides its keys, so that a dead peer is noticed.
static int set_tcp_options(void *socket)
{
    const struct {
        int option;
        int value;
    } options[] = {
        {ZMQ_TCP_KEEPALIVE, 1},
        {ZMQ_TCP_KEEPALIVE_IDLE, KEEPALIVE_IDLE},
        {ZMQ_TCP_KEEPALIVE_INTVL, KEEPALIVE_EACH},
        {ZMQ_TCP_KEEPALIVE_CNT, KEEPALIVE_COUNT},
        {ZMQ_TCP_MAXRT, UNACKNOWLEDGED_MS},
        {ZMQ_IPV6, 1},
        {ZMQ_CONNECT_TIMEOUT, CONNECT_MS},
        {ZMQ_BACKLOG, BACKLOG},
    };
    for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
        int r = socket_set_int(socket, options[i].option, options[i].value);
        if (r < 0)
            return r;
    }
    return 0;
}

static int set_text(void *socket, int option, const char *text)
{
    return zmq_setsockopt(socket, option, text, strlen(text)) < 0 ? -errno : 0;
}

int zsock_set_server_keys(struct zsock *z, const struct keypair *keys, const char *domain,
                          struct err *err)
{
    int r = set_tcp_options(z->socket);
    if (r == 0)
        r = socket_set_int(z->socket, ZMQ_CURVE_SERVER, 1);
    if (r == 0)
        r = set_text(z->socket, ZMQ_CURVE_SECRETKEY, keys->secret_key);
    if (r == 0)
        r = set_text(z->socket, ZMQ_ZAP_DOMAIN, domain);
    if (r < 0)
        return err_sys(err, r, "can't use the coordinator's key");
    // Without it libzmq lets every peer in while no handler answers. An older library does not know
    // the option; the self-test shows it.
    socket_set_int(z->socket, ENFORCE_DOMAIN, 1);
    z->has_keys = true;
    return 0;
}

int zsock_set_client_keys(struct zsock *z, const char *server_key, const struct keypair *own,
                          struct err *err)
{
    int r = set_tcp_options(z->socket);
    if (r == 0)
        r = set_text(z->socket, ZMQ_CURVE_SERVERKEY, server_key);
    if (r == 0)
        r = set_text(z->socket, ZMQ_CURVE_PUBLICKEY, own->public_key);
    if (r == 0)
        r = set_text(z->socket, ZMQ_CURVE_SECRETKEY, own->secret_key);
    if (r < 0)
        return err_sys(err, r, "can't use these keys");
    z->has_keys = true;
    return 0;
}

static bool is_local(const char *endpoint)
{
    return strncmp(endpoint, "ipc://", 6) == 0 || strncmp(endpoint, "inproc://", 9) == 0;
}

static int check_endpoint(const struct zsock *z, const char *endpoint, struct err *err)
{
    if (is_local(endpoint))
        return 0;
    if (strncmp(endpoint, "tcp://", 6) != 0)
        return err_set(err, -EINVAL, "'%s' is not an address: tcp://HOST:PORT or ipc://PATH",
                       endpoint);
    return z->has_keys ? 0
                       : err_set(err, -EPERM,
                                 "%s: a network connection needs keys (fanmill invite)", endpoint);
}

// With IPv6 on, an IPv4 address would be shown and answered as an IPv6 one.
static bool is_ipv4(const char *endpoint)
{
    const char *host = endpoint + strlen("tcp://");
    return strncmp(endpoint, "tcp://", 6) == 0 && host[strspn(host, "0123456789.")] == ':';
}

int zsock_bind(struct zsock *z, const char *endpoint, struct err *err)
{
    int r = check_endpoint(z, endpoint, err);
    if (r == 0 && is_ipv4(endpoint))
        socket_set_int(z->socket, ZMQ_IPV6, 0);
    if (r == 0 && zmq_bind(z->socket, endpoint) < 0)
        r = err_sys(err, -errno, "can't listen on %s", endpoint);
    return r;
}

int zsock_connect(struct zsock *z, const char *endpoint, struct err *err)
{
    int r = check_endpoint(z, endpoint, err);
    if (r == 0 && zmq_connect(z->socket, endpoint) < 0)
        r = err_sys(err, -errno, "can't connect to %s", endpoint);
    return r;
}

int zsock_endpoint(const struct zsock *z, char *ret, size_t size)
{
    return zmq_getsockopt(z->socket, ZMQ_LAST_ENDPOINT, ret, &size) < 0 ? -errno : 0;
}

int zsock_recv(struct zsock *z, struct zmessage *ret)
{
    return zmessage_recv(z->socket, z->kind == ZSOCK_ROUTER, ret);
}

int zsock_send(struct zsock *z, uint32_t peer, const void *header, size_t header_len,
               const void *body, size_t body_len)
{
    return zmessage_send(z->socket, z->kind == ZSOCK_ROUTER ? &peer : NULL, header, header_len,
                         body, body_len);
}

void zsock_again(struct zsock *z)
{
    z->looped.again = true;
}
