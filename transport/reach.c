#include "transport/reach.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/cleanup.h"

#define HOST_MAX 256
#define GREETING_MS 500
#define ZMTP_FIRST 0xff // of a greeting, https://rfc.zeromq.org/spec/23/

// ZeroMQ's first byte comes at once, unless its process is stopped.
static int check_greeting(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    unsigned char first;
    if (poll(&p, 1, GREETING_MS) <= 0)
        return 0;
    ssize_t n = recv(fd, &first, 1, MSG_DONTWAIT);
    return (n == 1 && first != ZMTP_FIRST) || n == 0 ? -EPROTO : 0;
}

static int try_address(const struct sockaddr *address, socklen_t size, int timeout_ms)
{
    int code = 0;
    socklen_t len = sizeof(code);
    _close_ int fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -errno;
    if (connect(fd, address, size) == 0)
        return 0;
    if (errno == EAGAIN) // of a Unix socket whose queue is full: somebody listens
        return 0;
    if (errno != EINPROGRESS)
        return -errno;
    struct pollfd p = {.fd = fd, .events = POLLOUT};
    int n;
    do
        n = poll(&p, 1, timeout_ms);
    while (n < 0 && errno == EINTR);
    if (n <= 0)
        return n < 0 ? -errno : -ETIMEDOUT;
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &code, &len) < 0)
        return -errno;
    return code ? -code : check_greeting(fd);
}

static int say(int r, const char *endpoint, struct err *err)
{
    switch (r) {
    case 0:
        return 0;
    case -ECONNREFUSED:
        return err_set(err, r,
                       "nobody listens at %s: is the coordinator running, and the port right?",
                       endpoint);
    case -ETIMEDOUT:
        return err_set(err, r,
                       "no answer from %s: its machine is off or cut off, or a firewall drops what "
                       "is sent to it",
                       endpoint);
    case -EPROTO:
        return err_set(err, r, "what answers at %s is no fanmill coordinator", endpoint);
    case -ENOENT:
        return err_set(err, r, "no coordinator runs at %s: its socket is not there", endpoint);
    default:
        return err_sys(err, r, "%s can't be reached", endpoint);
    }
}

static int try_tcp(const char *endpoint, int timeout_ms, struct err *err)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *list = NULL;
    char host[HOST_MAX];
    const char *at = endpoint + strlen("tcp://");
    const char *colon = strrchr(at, ':');
    size_t len = colon ? (size_t)(colon - at) : 0;
    if (!colon || len >= sizeof(host))
        return err_set(err, -EINVAL, "'%s' is not an address: tcp://HOST:PORT", endpoint);
    bool bracketed = len > 2 && at[0] == '[' && at[len - 1] == ']';
    snprintf(host, sizeof(host), "%.*s", (int)(bracketed ? len - 2 : len), at + bracketed);
    int failed = getaddrinfo(host, colon + 1, &hints, &list);
    if (failed)
        return err_set(err, -ENXIO, "the host '%s' of %s can't be found: %s", host, endpoint,
                       gai_strerror(failed));
    int r = -ENXIO;
    for (const struct addrinfo *a = list; a && r != 0; a = a->ai_next)
        r = try_address(a->ai_addr, a->ai_addrlen, timeout_ms);
    freeaddrinfo(list);
    return say(r, endpoint, err);
}

int reach_try(const char *endpoint, int timeout_ms, struct err *err)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    if (strncmp(endpoint, "tcp://", 6) == 0)
        return try_tcp(endpoint, timeout_ms, err);
    if (strncmp(endpoint, "ipc://", 6) != 0)
        return 0;
    const char *path = endpoint + strlen("ipc://");
    if (strlen(path) >= sizeof(un.sun_path))
        return err_set(err, -ENAMETOOLONG, "'%s' is too long", endpoint);
    memcpy(un.sun_path, path, strlen(path) + 1);
    return say(try_address((const struct sockaddr *)&un, sizeof(un), timeout_ms), endpoint, err);
}
