#include "pipelines/source/source_path.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"

int source_open_path(const struct plan *plan, const char *path, struct err *err)
{
    if (strcmp(path, "-") == 0) {
        int fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
        return fd < 0 ? err_sys(err, -errno, "standard input") : fd;
    }
    _close_ int dir = open(plan->directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0)
        return err_sys(err, -errno, "'%s'", plan->directory);
    int fd = openat(dir, path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    return fd < 0 ? err_sys(err, -errno, "'%s'", path) : fd;
}

ssize_t source_read_block(int fd, uint8_t *block)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    for (;;) {
        int ready = poll(&p, 1, 0);
        if (ready == 0)
            return -EAGAIN;
        if (ready > 0) {
            ssize_t n = read(fd, block, SOURCE_BLOCK);
            if (n >= 0)
                return n;
        }
        if (errno != EINTR)
            return -errno;
    }
}
