#include "transport/looped.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>

#include <zmq.h>

#include "base/container.h"

bool socket_readable(void *socket)
{
    int events = 0;
    size_t len = sizeof(events);
    if (zmq_getsockopt(socket, ZMQ_EVENTS, &events, &len) < 0)
        return false;
    return events & ZMQ_POLLIN;
}

int socket_set_int(void *socket, int option, int value)
{
    return zmq_setsockopt(socket, option, &value, sizeof(value)) < 0 ? -errno : 0;
}

int socket_recv_text(void *socket, char *ret, size_t size, bool *ret_more)
{
    zmq_msg_t msg;
    zmq_msg_init(&msg);
    int n = zmq_msg_recv(&msg, socket, ZMQ_DONTWAIT);
    if (n < 0) {
        n = errno == EINTR ? -EAGAIN : -errno;
        zmq_msg_close(&msg);
        return n;
    }
    size_t len = (size_t)n < size - 1 ? (size_t)n : size - 1;
    memcpy(ret, zmq_msg_data(&msg), len);
    ret[len] = '\0';
    *ret_more = zmq_msg_more(&msg);
    zmq_msg_close(&msg);
    return n;
}

void socket_skip(void *socket, bool more)
{
    char byte[1];
    while (more)
        if (socket_recv_text(socket, byte, sizeof(byte), &more) < 0)
            return;
}

static void on_fd(struct watch *watch, uint32_t events)
{
    (void)events;
    struct looped *l = container_of(watch, struct looped, watch);
    if (socket_readable(l->socket))
        l->ready(l->arg);
}

static bool before_poll(struct prepare *prepare)
{
    struct looped *l = container_of(prepare, struct looped, prepare);
    if (!l->again && !socket_readable(l->socket))
        return false;
    l->again = false;
    l->ready(l->arg);
    return true;
}

int looped_add(struct looped *l, void *socket, void (*ready)(void *arg), void *arg)
{
    int fd = -1;
    size_t len = sizeof(fd);
    if (zmq_getsockopt(socket, ZMQ_FD, &fd, &len) < 0)
        return -errno;
    *l = (struct looped){.socket = socket, .ready = ready, .arg = arg};
    int r = watch_add(&l->watch, fd, EPOLLIN, on_fd);
    if (r < 0) {
        *l = (struct looped){0};
        return r;
    }
    prepare_add(&l->prepare, before_poll);
    return 0;
}

void looped_done(struct looped *l)
{
    if (!l->socket)
        return;
    prepare_remove(&l->prepare);
    watch_remove(&l->watch);
    zmq_close(l->socket);
    *l = (struct looped){0};
}
