#include "pipelines/source/source_path.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "pipelines/fence.h"
#include "pipelines/source/source_kinds.h"

int source_look_path(const struct plan *plan, const char *path, struct stat *ret, struct err *err)
{
    if (strcmp(path, "-") == 0)
        return fstat(STDIN_FILENO, ret) < 0 ? err_sys(err, -errno, "standard input") : 0;
    _close_ int dir = open(plan->directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0 || fstatat(dir, path, ret, 0) < 0 || faccessat(dir, path, R_OK, AT_EACCESS) < 0)
        return err_sys(err, -errno, "'%s'", path);
    if (S_ISDIR(ret->st_mode))
        return err_sys(err, -EISDIR, "'%s'", path);
    if (!plan->fences || !S_ISREG(ret->st_mode))
        return 0;
    // Where not all may be read, that is found out now, not in the middle of the job.
    _close_ int fd = source_open_path(plan, path, err);
    return fd < 0 ? fd : 0;
}

// How a path is told from another that is the same; false: it can be read again.
static bool is_read_once(const struct plan *plan, const char *path, struct stat *ret)
{
    struct err err;
    *ret = (struct stat){0};
    if (source_look_path(plan, path, ret, &err) < 0)
        return false; // reported in its turn
    return strcmp(path, "-") == 0 || S_ISFIFO(ret->st_mode) || S_ISSOCK(ret->st_mode);
}

int source_check_names(const struct plan *plan, char *const *names, size_t n, struct err *err)
{
    struct stat a, b;
    for (size_t i = 1; i < n; i++) {
        if (!is_read_once(plan, names[i], &a))
            continue;
        for (size_t k = 0; k < i; k++)
            if (is_read_once(plan, names[k], &b) && a.st_dev == b.st_dev && a.st_ino == b.st_ino)
                return strcmp(names[i], "-")
                           ? err_set(err, -EINVAL,
                                     "'%s' is named twice, but it can be read only once", names[i])
                           : err_set(err, -EINVAL,
                                     "standard input is named twice, but it can be "
                                     "read only once");
    }
    return 0;
}

// A descriptor that can't be opened again by its name, such as a socket.
static int open_own(const char *path)
{
    uint64_t fd;
    if (strncmp(path, "/dev/fd/", 8) != 0 || parse_u64(path + 8, &fd) < 0 || fd > INT32_MAX)
        return -ENXIO;
    int copy = fcntl((int)fd, F_DUPFD_CLOEXEC, 3);
    return copy < 0 ? -errno : copy;
}

int source_open_path(const struct plan *plan, const char *path, struct err *err)
{
    if (strcmp(path, "-") == 0) {
        int fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
        return fd < 0 ? err_sys(err, -errno, "standard input") : fd;
    }
    const struct source *source = &plan->source;
    if (source->opened > 0 && strcmp(path, source->texts[0]) == 0) {
        int fd = fcntl(source->opened, F_DUPFD_CLOEXEC, 3);
        return fd < 0 ? err_sys(err, -errno, "'%s'", path) : fd;
    }
    _close_ int dir = open(plan->directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0)
        return err_sys(err, -errno, "'%s'", plan->directory);
    int fd = openat(dir, path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0)
        fd = errno == ENXIO ? open_own(path) : -errno;
    if (fd < 0)
        return err_sys(err, fd, "'%s'", path);
    int r = fence_check(plan, fd, path, err);
    if (r < 0)
        close(fd);
    return r < 0 ? r : fd;
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

int source_named(const struct plan *plan, int code, struct err *err)
{
    const char *key = plan->source.kind == SOURCE_DATA    ? "source.data"
                      : plan->source.kind == SOURCE_LINES ? "source.lines"
                      : plan->source.kind == SOURCE_CSV   ? "source.csv"
                                                          : NULL;
    // What doesn't begin with a file's name has a place of its own: "a.csv:3: ...".
    if (code >= 0 || code == -EAGAIN || !key || plan->is_oneliner ||
        (err->text[0] != '\'' && code != -ENOENT))
        return code;
    return err_wrap(err, code, "%s", key);
}
