#include "pipelines/library.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"

int library_digest(const char *path, uint8_t ret[DIGEST_BYTES])
{
    uint64_t size;
    _close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
    int r = fd < 0 ? -errno : digest_fd(fd, LIBRARY_BYTES_MAX, ret, &size);
    if (r == -EFBIG) {
        memset(ret, 0, DIGEST_BYTES);
        return 0;
    }
    return r;
}

int library_read(const char *path, const uint8_t digest[DIGEST_BYTES], struct buf *out,
                 struct err *err)
{
    struct stat st;
    uint8_t found[DIGEST_BYTES];
    _close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) < 0)
        return err_sys(err, -errno, "'%s'", path);
    if (st.st_size > (off_t)LIBRARY_BYTES_MAX)
        return err_set(err, -ESTALE, "'%s' has changed since the job was checked", path);
    size_t before = out->len;
    int r = buf_reserve(out, (size_t)st.st_size);
    ssize_t n = r < 0 ? r : fd_read_full(fd, out->data + before, (size_t)st.st_size);
    if (n < 0)
        return err_sys(err, (int)n, "'%s'", path);
    digest_bytes(out->data + before, (size_t)n, found);
    if (memcmp(found, digest, DIGEST_BYTES) != 0)
        return err_set(err, -ESTALE, "'%s' has changed since the job was checked", path);
    out->len = before + (size_t)n;
    return 0;
}
