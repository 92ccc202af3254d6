#include "transport/zsock.h"

#include <assert.h>
#include <errno.h>
#include <linux/tcp.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <zmq.h>

#include "base/cleanup.h"
#include "transport/internal.h"
#include "transport/keys.h"

#define MESSAGE_MAX ((int64_t)257 << 20) // ZMQ_MAXMSGSIZE per frame; proto/limits.h keeps below it
#define FILES_MIN 48u
#define QUEUE_MESSAGES 20000 // HWM: a fuse. Credit keeps the queue below it
#define HANDSHAKE_MS 5000
#define RECONNECT_MS 50
#define RECONNECT_MAX_MS 10000
#define KEEPALIVE_IDLE 5        // seconds without a byte, then the kernel asks
#define KEEPALIVE_EACH 2        // seconds between two probes
#define KEEPALIVE_COUNT 3       // without an answer: then the connection is over
#define UNACKNOWLEDGED_MS 10000 // sent and not acknowledged for this long: likewise
#define CONNECT_MS 10000
#define BACKLOG 1024
#define ENFORCE_DOMAIN 93 // ZMQ_ZAP_ENFORCE_DOMAIN: a draft's name, but the number works
#define PEER_ID_BYTES 5   // ZeroMQ's own random routing ids: a zero byte and 32 bits

struct zsock {
    void *socket;
    enum zsock_kind kind;
    bool has_keys;
    struct looped looped; // all zero when it is plain
};

int transport_new(struct transport **ret, struct err *err)
{
    struct rlimit files;
    // ZeroMQ aborts the process when it can't open its descriptors.
    if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < FILES_MIN)
        return err_set(err, -EMFILE, "%llu open files are allowed (ulimit -n); %u are needed",
                       (unsigned long long)files.rlim_cur, FILES_MIN);
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
    int64_t max = MESSAGE_MAX;
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

// What a connection over a network needs besides its keys: that a dead peer is noticed.
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
    // Without it libzmq lets everybody in while no handler answers. An older library does not know
    // the option; the self-test finds out.
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
    return z->has_keys
               ? 0
               : err_set(err, -EPERM, "%s: connections over a network need keys (fanmill invite)",
                         endpoint);
}

// With IPv6 on, an address of IPv4 would be shown and answered as one of IPv6.
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

void *zsock_handle(const struct zsock *z)
{
    return z->socket;
}

void zsock_again(struct zsock *z)
{
    z->looped.again = true;
}

// A slab whose bytes are a ZeroMQ message.
struct frame {
    struct slab slab;
    zmq_msg_t msg;
};

static void frame_destroy(struct slab *slab)
{
    struct frame *frame = (struct frame *)slab;
    zmq_msg_close(&frame->msg);
    free(frame);
}

static struct frame *frame_new(void)
{
    struct frame *frame = malloc(sizeof(*frame));
    if (!frame)
        return NULL;
    zmq_msg_init(&frame->msg);
    frame->slab = (struct slab){.refs = 1, .destroy = frame_destroy};
    return frame;
}

// Receives one frame of a message into a slab. 0 or negative errno.
static int recv_frame(struct zsock *z, struct slab **ret, bool *ret_more)
{
    struct frame *frame = frame_new();
    if (!frame)
        return -ENOMEM;
    if (zmq_msg_recv(&frame->msg, z->socket, ZMQ_DONTWAIT) < 0) {
        int code = errno == EINTR ? -EAGAIN : -errno;
        slab_unref(&frame->slab);
        return code;
    }
    frame->slab.data = zmq_msg_data(&frame->msg);
    frame->slab.len = zmq_msg_size(&frame->msg);
    *ret_more = zmq_msg_more(&frame->msg);
    *ret = &frame->slab;
    return 0;
}

static void skip_rest(struct zsock *z, bool more)
{
    while (more) {
        struct slab *slab = NULL;
        if (recv_frame(z, &slab, &more) < 0 || !slab)
            return;
        slab_unref(slab);
    }
}

static bool peer_of(const struct slab *id, uint32_t *ret)
{
    if (id->len != PEER_ID_BYTES || id->data[0] != 0)
        return false;
    memcpy(ret, id->data + 1, sizeof(*ret));
    return true;
}

static const char *property(const struct zmessage *m, const char *name)
{
    const struct frame *frame = (const struct frame *)m->header_slab;
    const char *text = frame ? zmq_msg_gets(&frame->msg, name) : NULL;
    return text ? text : "";
}

const char *zmessage_user(const struct zmessage *m)
{
    return property(m, "User-Id");
}

const char *zmessage_from(const struct zmessage *m)
{
    return property(m, "Peer-Address");
}

// "1.2.3.4:567" or "[::1]:567" of a connected TCP socket.
static bool name_of_fd(int fd, char *ret, size_t size)
{
    struct sockaddr_storage address = {0};
    socklen_t len = sizeof(address);
    char host[NI_MAXHOST], port[NI_MAXSERV];
    if (getpeername(fd, (struct sockaddr *)&address, &len) < 0 ||
        (address.ss_family != AF_INET && address.ss_family != AF_INET6) ||
        getnameinfo((struct sockaddr *)&address, len, host, sizeof(host), port, sizeof(port),
                    NI_NUMERICHOST | NI_NUMERICSERV))
        return false;
    int n = snprintf(ret, size, "%s:%s", host, port);
    return n > 0 && (size_t)n < size;
}

void zmessage_connection(const struct zmessage *m, struct zconnection *ret)
{
    const struct frame *frame = (const struct frame *)m->header_slab;
    *ret = (struct zconnection){.fd = frame ? zmq_msg_get(&frame->msg, ZMQ_SRCFD) : -1};
    if (ret->fd >= 0 && !name_of_fd(ret->fd, ret->name, sizeof(ret->name)))
        ret->fd = -1;
}

// The number may have become another connection's.
static bool is_same(const struct zconnection *c)
{
    char now[sizeof(c->name)];
    return c->fd >= 0 && name_of_fd(c->fd, now, sizeof(now)) && strcmp(now, c->name) == 0;
}

bool zconnection_is_receiving(struct zconnection *c)
{
    struct tcp_info info = {0};
    socklen_t len = sizeof(info);
    if (!is_same(c) || getsockopt(c->fd, IPPROTO_TCP, TCP_INFO, &info, &len) < 0)
        return false;
    bool much = info.tcpi_bytes_received - c->received >= ZCONNECTION_MUCH;
    c->received = info.tcpi_bytes_received;
    return much;
}

int zconnection_cut(const struct zconnection *c)
{
    if (!is_same(c))
        return -ENOTCONN;
    return shutdown(c->fd, SHUT_RDWR) < 0 ? -errno : 0;
}

void zmessage_done(struct zmessage *m)
{
    m->header_slab = slab_unref(m->header_slab);
    m->body = slab_unref(m->body);
    m->header = NULL;
    m->header_len = 0;
}

int zsock_recv(struct zsock *z, struct zmessage *ret)
{
    _cleanup_(zmessage_done)
    struct zmessage m = {0};
    bool more = false, known = true;
    if (z->kind == ZSOCK_ROUTER) {
        struct slab *id = NULL;
        int r = recv_frame(z, &id, &more);
        if (r < 0 || !id)
            return r;
        known = peer_of(id, &m.peer);
        slab_unref(id);
        ret->peer = known ? m.peer : 0;
        if (!known || !more) {
            skip_rest(z, more);
            return -EBADMSG;
        }
    }
    struct slab *header = NULL;
    int r = recv_frame(z, &header, &more);
    if (r < 0 || !header)
        return r;
    m.header_slab = header;
    if (more)
        r = recv_frame(z, &m.body, &more);
    if (r < 0)
        return r;
    if (more) {
        skip_rest(z, more);
        return -EBADMSG;
    }
    m.header = header->data;
    m.header_len = header->len;
    *ret = m;
    m = (struct zmessage){0};
    return 1;
}

static int send_frame(struct zsock *z, const void *data, size_t len, int flags)
{
    zmq_msg_t msg;
    if (zmq_msg_init_size(&msg, len) < 0)
        return -ENOMEM;
    if (len)
        memcpy(zmq_msg_data(&msg), data, len);
    if (zmq_msg_send(&msg, z->socket, flags | ZMQ_DONTWAIT) < 0) {
        int code = -errno;
        zmq_msg_close(&msg);
        return code;
    }
    return 0;
}

int zsock_send(struct zsock *z, uint32_t peer, const void *header, size_t header_len,
               const void *body, size_t body_len)
{
    if ((int64_t)header_len > MESSAGE_MAX || (int64_t)body_len > MESSAGE_MAX)
        return -EMSGSIZE;
    if (z->kind == ZSOCK_ROUTER) {
        uint8_t id[PEER_ID_BYTES] = {0};
        memcpy(id + 1, &peer, sizeof(peer));
        int r = send_frame(z, id, sizeof(id), ZMQ_SNDMORE);
        if (r < 0)
            return r;
    }
    // Once the first frame of a message is taken, ZeroMQ takes the others, too.
    int r = send_frame(z, header, header_len, body_len ? ZMQ_SNDMORE : 0);
    if (r == 0 && body_len)
        r = send_frame(z, body, body_len, 0);
    return r;
}
