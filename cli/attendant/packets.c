#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "cli/attendant/forker.h"

union room {
    char bytes[CMSG_SPACE(sizeof(int))];
    struct cmsghdr align;
};

int forker_send(int control, const void *packet, size_t len, int fd)
{
    struct iovec bytes = {(void *)(uintptr_t)packet, len};
    struct msghdr message = {.msg_iov = &bytes, .msg_iovlen = 1};
    union room room = {0};
    if (fd >= 0) {
        message.msg_control = &room;
        message.msg_controllen = sizeof(room);
        struct cmsghdr *head = CMSG_FIRSTHDR(&message);
        head->cmsg_level = SOL_SOCKET;
        head->cmsg_type = SCM_RIGHTS;
        head->cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(head), &fd, sizeof(int));
    }
    ssize_t n;
    do {
        n = sendmsg(control, &message, MSG_NOSIGNAL);
    } while (n < 0 && errno == EINTR);
    return n < 0 ? -errno : 0;
}

int forker_recv(int control, void *packet, size_t len, int *ret_fd)
{
    struct iovec bytes = {packet, len};
    union room room = {0};
    struct msghdr message = {
        .msg_iov = &bytes, .msg_iovlen = 1, .msg_control = &room, .msg_controllen = sizeof(room)};
    ssize_t n;
    do {
        n = recvmsg(control, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    } while (n < 0 && errno == EINTR);
    if (n < 0)
        return -errno;
    *ret_fd = -1;
    const struct cmsghdr *head = CMSG_FIRSTHDR(&message);
    if (head && head->cmsg_level == SOL_SOCKET && head->cmsg_type == SCM_RIGHTS)
        memcpy(ret_fd, CMSG_DATA(head), sizeof(int));
    return n == (ssize_t)len;
}
