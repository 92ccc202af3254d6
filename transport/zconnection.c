#include "transport/zconnection.h"

#include <errno.h>
#include <linux/tcp.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

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

void zconnection_init(struct zconnection *c, int fd)
{
    *c = (struct zconnection){.fd = fd};
    if (fd >= 0 && !name_of_fd(fd, c->name, sizeof(c->name)))
        c->fd = -1;
}

// The number may be another connection's by now.
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
