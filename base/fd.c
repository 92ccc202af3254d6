#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

int fd_write_all(int fd, const void *data, size_t len)
{
    const uint8_t *at = data;
    while (len) {
        ssize_t n = write(fd, at, len);
        if (n < 0) {
            if (errno == EINTR)
                continue;
            return -errno;
        }
        at += n;
        len -= (size_t)n;
    }
    return 0;
}

// `offset` -1: from where the descriptor stands.
static ssize_t read_full(int fd, void *data, size_t len, off_t offset)
{
    size_t done = 0;
    while (done < len) {
        uint8_t *at = (uint8_t *)data + done;
        ssize_t n =
            offset < 0 ? read(fd, at, len - done) : pread(fd, at, len - done, offset + (off_t)done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0)
            break;
        done += (size_t)n;
    }
    return (ssize_t)done;
}

ssize_t fd_read_full(int fd, void *data, size_t len)
{
    return read_full(fd, data, len, -1);
}

ssize_t fd_pread_full(int fd, void *data, size_t len, off_t offset)
{
    return offset < 0 ? -EINVAL : read_full(fd, data, len, offset);
}

int fd_open_unnamed(const char *directory)
{
    int fd = open(directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd >= 0 || errno == ENOENT || errno == EACCES)
        return fd >= 0 ? fd : -errno;
    char name[PATH_MAX]; // a file system without O_TMPFILE
    int n = snprintf(name, sizeof(name), "%s/fanmill-XXXXXX", directory);
    if (n < 0 || (size_t)n >= sizeof(name))
        return -ENAMETOOLONG;
    fd = mkostemp(name, O_CLOEXEC);
    if (fd < 0)
        return -errno;
    unlink(name);
    return fd;
}

int fd_set_nonblock(int fd, bool on)
{
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0)
        return -errno;
    int want = on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK;
    if (want != flags && fcntl(fd, F_SETFL, want) < 0)
        return -errno;
    return 0;
}

void fd_raise_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}
