#include "transport/zsock.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>

#include <zmq.h>

#include "async/loop.h"
#include "base/cleanup.h"

#define MESSAGE_MAX ((int64_t)257 << 20) // ZMQ_MAXMSGSIZE per frame; proto/limits.h keeps below it
#define FILES_MIN 48u
#define QUEUE_MESSAGES 20000 // HWM: a fuse. Credit keeps the queue below it
#define HANDSHAKE_MS 5000
#define RECONNECT_MS 50
#define RECONNECT_MAX_MS 10000
#define PEER_ID_BYTES 5 // ZeroMQ's own random routing ids: a zero byte and 32 bits

struct transport {
    void *context;
};

struct zsock {
    void *socket;
    int fd; // ZMQ_FD
    enum zsock_kind kind;
    struct watch watch;
    struct prepare prepare;
    zsock_ready_fn *ready;
    void *arg;
    bool again; // call ready in the next turn even if no event says so
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

static int events_of(struct zsock *z)
{
    int events = 0;
    size_t len = sizeof(events);
    if (zmq_getsockopt(z->socket, ZMQ_EVENTS, &events, &len) < 0)
        return 0;
    return events;
}

static void on_fd(struct watch *watch, uint32_t events)
{
    (void)events;
    struct zsock *z = (struct zsock *)((char *)watch - offsetof(struct zsock, watch));
    // Reading ZMQ_EVENTS drains the socket's mailbox and quiets its descriptor.
    if (events_of(z) & ZMQ_POLLIN)
        z->ready(z->arg);
}

// The descriptor tells edges only, and any use of the socket may swallow one. So the events are
// read once more before the loop sleeps, and a readable socket keeps it awake.
static bool before_poll(struct prepare *prepare)
{
    struct zsock *z = (struct zsock *)((char *)prepare - offsetof(struct zsock, prepare));
    if (!z->again && !(events_of(z) & ZMQ_POLLIN))
        return false;
    z->again = false;
    z->ready(z->arg);
    return true;
}

static int set_int(void *socket, int option, int value)
{
    return zmq_setsockopt(socket, option, &value, sizeof(value)) < 0 ? -errno : 0;
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
        int r = set_int(socket, options[i].option, options[i].value);
        if (r < 0)
            return r;
    }
    return kind == ZSOCK_ROUTER ? set_int(socket, ZMQ_ROUTER_MANDATORY, 1) : 0;
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
    size_t len = sizeof(z->fd);
    if (r == 0 && zmq_getsockopt(z->socket, ZMQ_FD, &z->fd, &len) < 0)
        r = -errno;
    if (r < 0) {
        zmq_close(z->socket);
        free(z);
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
    z->ready = ready;
    z->arg = arg;
    r = watch_add(&z->watch, z->fd, EPOLLIN, on_fd);
    if (r < 0) {
        zmq_close(z->socket);
        free(z);
        return err_sys(err, r, "can't set up a socket");
    }
    prepare_add(&z->prepare, before_poll);
    *ret = z;
    return 0;
}

void zsock_set_linger(struct zsock *z, int ms)
{
    set_int(z->socket, ZMQ_LINGER, ms);
}

int zsock_fd(const struct zsock *z)
{
    return z->fd;
}

bool zsock_readable(struct zsock *z)
{
    return events_of(z) & ZMQ_POLLIN;
}

struct zsock *zsock_close(struct zsock *z)
{
    if (!z)
        return NULL;
    if (z->ready) {
        prepare_remove(&z->prepare);
        watch_remove(&z->watch);
    }
    zmq_close(z->socket);
    free(z);
    return NULL;
}

static bool is_local(const char *endpoint)
{
    return strncmp(endpoint, "ipc://", 6) == 0 || strncmp(endpoint, "inproc://", 9) == 0;
}

int zsock_bind(struct zsock *z, const char *endpoint, struct err *err)
{
    assert(is_local(endpoint));
    if (zmq_bind(z->socket, endpoint) < 0)
        return err_sys(err, -errno, "can't listen on %s", endpoint);
    return 0;
}

int zsock_connect(struct zsock *z, const char *endpoint, struct err *err)
{
    assert(is_local(endpoint));
    if (zmq_connect(z->socket, endpoint) < 0)
        return err_sys(err, -errno, "can't connect to %s", endpoint);
    return 0;
}

void zsock_again(struct zsock *z)
{
    z->again = true;
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
    // Once the first frame of a message is taken, ZeroMQ takes the others too.
    int r = send_frame(z, header, header_len, body_len ? ZMQ_SNDMORE : 0);
    if (r == 0 && body_len)
        r = send_frame(z, body, body_len, 0);
    return r;
}
