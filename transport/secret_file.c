#include "transport/secret_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"

static int check_file(const char *path, int fd, bool is_secret, size_t *ret_size, struct err *err)
{
    struct stat st;
    if (fstat(fd, &st) < 0)
        return err_sys(err, -errno, "'%s'", path);
    if (!S_ISREG(st.st_mode))
        return err_set(err, -EPERM, "'%s' is not a regular file", path);
    if (st.st_uid != geteuid() && st.st_uid != 0)
        return err_set(err, -EPERM, "'%s' belongs to another user (uid %u)", path, st.st_uid);
    mode_t others = is_secret ? 077 : 022;
    if (st.st_mode & others)
        return err_set(err, -EPERM, "'%s' has mode %04o: others can %s it; run: chmod 600 '%s'",
                       path, st.st_mode & 07777, is_secret ? "read" : "change", path);
    if (st.st_size > (off_t)SECRET_FILE_MAX)
        return err_set(err, -EFBIG, "'%s' has %lld bytes; at most %u are read", path,
                       (long long)st.st_size, SECRET_FILE_MAX);
    *ret_size = (size_t)st.st_size;
    return 0;
}

int secret_read(const char *path, bool is_secret, struct buf *ret, struct err *err)
{
    size_t size = 0;
    _close_ int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0 && errno == ELOOP)
        return err_set(err, -EPERM, "'%s' is a symbolic link; name the file itself", path);
    if (fd < 0)
        return err_sys(err, -errno, "'%s'", path);
    int r = check_file(path, fd, is_secret, &size, err);
    if (r < 0)
        return r;
    r = buf_reserve(ret, size + 1);
    if (r < 0)
        return err_sys(err, r, "'%s'", path);
    ssize_t n = fd_read_full(fd, ret->data + ret->len, size);
    if (n < 0)
        return err_sys(err, (int)n, "'%s'", path);
    ret->len += (size_t)n;
    if (memchr(ret->data, '\0', ret->len))
        return err_set(err, -EINVAL, "'%s' contains NUL bytes: not a text file", path);
    return 0;
}

static int put_in_place(const char *part, const char *path, bool exclusive)
{
    // link() does not replace: either it makes the new name or it fails.
    if (exclusive)
        return link(part, path) < 0 ? -errno : unlink(part) < 0 ? -errno : 0;
    return rename(part, path) < 0 ? -errno : 0;
}

int secret_write(const char *path, const void *data, size_t len, bool exclusive, struct err *err)
{
    _free_ char *part = NULL;
    if (asprintf(&part, "%s.XXXXXX", path) < 0) {
        part = NULL;
        return err_sys(err, -ENOMEM, "'%s'", path);
    }
    _close_ int fd = mkostemp(part, O_CLOEXEC); // mode 0600
    if (fd < 0)
        return err_sys(err, -errno, "'%s'", path);
    int r = fd_write_all(fd, data, len);
    if (r == 0 && fsync(fd) < 0)
        r = -errno;
    if (r == 0)
        r = put_in_place(part, path, exclusive);
    if (r < 0) {
        unlink(part);
        return err_sys(err, r, "'%s'", path);
    }
    return 0;
}

void secret_wipe(struct buf *text)
{
    if (text->data)
        explicit_bzero(text->data, text->cap);
    buf_done(text);
}
