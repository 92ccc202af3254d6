#include "pipelines/extent.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/pack.h"

#define TAIL_BLOCK (64u << 10) // read at once while looking for the end of the last record

static bool extent_valid(const struct extent *e)
{
    return e->path_len > 0 && e->path_len <= EXTENT_PATH_MAX && e->length <= EXTENT_BYTES_MAX &&
           e->offset <= (uint64_t)INT64_MAX - EXTENT_BYTES_MAX &&
           memchr(e->path, '\0', e->path_len) == NULL;
}

int extent_put(struct buf *out, const struct extent *e)
{
    struct pack_writer w;
    pack_writer_init(&w, out);
    pack_array(&w, 7);
    pack_bin(&w, e->path, e->path_len);
    pack_u64(&w, e->offset);
    pack_u64(&w, e->length);
    pack_bool(&w, e->aligned);
    pack_u64(&w, e->record_end);
    pack_u64(&w, e->file_size);
    pack_i64(&w, e->mtime_ns);
    return w.error;
}

int extent_get(const void *data, size_t len, struct extent *ret)
{
    struct pack_reader r;
    pack_reader_init(&r, data, len);
    if (pack_read_array(&r, 7) != 7)
        return -EPROTO;
    struct extent e = {0};
    e.path = (const char *)pack_read_bin(&r, EXTENT_PATH_MAX, &e.path_len);
    e.offset = pack_read_u64(&r, INT64_MAX);
    e.length = pack_read_u64(&r, EXTENT_BYTES_MAX);
    e.aligned = pack_read_bool(&r);
    e.record_end = (uint8_t)pack_read_u64(&r, UINT8_MAX);
    e.file_size = pack_read_u64(&r, UINT64_MAX);
    e.mtime_ns = pack_read_i64(&r);
    if (!pack_at_end(&r) || !extent_valid(&e))
        return -EPROTO;
    *ret = e;
    return 0;
}

int64_t extent_mtime_ns(const struct stat *st)
{
    return (int64_t)st->st_mtim.tv_sec * 1000000000 + st->st_mtim.tv_nsec;
}

static bool is_the_same(const struct extent *e, const struct stat *st)
{
    return (!e->file_size && !e->mtime_ns) ||
           (e->file_size == (uint64_t)st->st_size && e->mtime_ns == extent_mtime_ns(st));
}

static int open_path(const struct extent *e, const char *path, const char *directory,
                     struct err *err)
{
    _close_ int dir = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0)
        return err_sys(err, -errno, "'%s'", directory);
    // O_NONBLOCK: a fifo that took the file's place must not hold the executor.
    _close_ int fd = openat(dir, path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0)
        return err_sys(err, -errno, "'%s'", path);
    struct stat st;
    if (fstat(fd, &st) < 0)
        return err_sys(err, -errno, "'%s'", path);
    if (S_ISDIR(st.st_mode))
        return err_sys(err, -EISDIR, "'%s'", path);
    if (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode))
        return err_set(err, -EINVAL, "'%s' is not a file that can be read from any place", path);
    if (S_ISREG(st.st_mode) && !is_the_same(e, &st))
        return err_set(err, -ESTALE, "'%s' is not the file that the source saw", path);
    return take_fd(fd);
}

// Appends up to `len` bytes from `offset`; less only at the end of the file.
static ssize_t append_at(int fd, uint64_t offset, size_t len, const char *path, struct buf *out,
                         struct err *err)
{
    int r = buf_reserve(out, len);
    if (r == -ENOBUFS)
        return err_set(err, -EFBIG, "'%s': the data of a chunk is larger than a chunk may be",
                       path);
    if (r < 0)
        return err_sys(err, r, "'%s'", path);
    ssize_t n = fd_pread_full(fd, out->data + out->len, len, (off_t)offset);
    if (n < 0)
        return err_sys(err, (int)n, "'%s'", path);
    out->len += (size_t)n;
    return n;
}

// The bytes behind the extent that still belong to its last record.
static int append_tail(int fd, const struct extent *e, size_t begin, const char *path,
                       struct buf *out, struct err *err)
{
    uint64_t offset = e->offset + e->length;
    while (out->data[out->len - 1] != e->record_end) {
        if (out->len - begin >= EXTENT_BYTES_MAX)
            return err_set(err, -EFBIG, "'%s': the record that reaches over byte %llu is too long",
                           path, (unsigned long long)e->offset + e->length);
        size_t from = out->len;
        ssize_t n = append_at(fd, offset, TAIL_BLOCK, path, out, err);
        if (n <= 0)
            return (int)n;
        const uint8_t *end = memchr(out->data + from, e->record_end, (size_t)n);
        if (end)
            out->len = (size_t)(end - out->data) + 1;
        offset += (uint64_t)n;
    }
    return 0;
}

static int read_extent(int fd, const struct extent *e, const char *path, struct buf *out,
                       struct err *err)
{
    size_t begin = out->len;
    // The byte before tells whether a record begins at the offset itself.
    size_t before = e->aligned && e->offset > 0;
    ssize_t n = append_at(fd, e->offset - before, (size_t)e->length + before, path, out, err);
    if (n < 0)
        return (int)n;
    if ((size_t)n < e->length + before)
        return err_set(err, -ESTALE, "'%s' became shorter than %llu bytes while it was used", path,
                       (unsigned long long)e->offset + e->length);
    if (before) {
        uint8_t *first = out->data + begin;
        const uint8_t *end = memchr(first, e->record_end, (size_t)n);
        size_t skip = end ? (size_t)(end - first) + 1 : (size_t)n;
        memmove(first, first + skip, (size_t)n - skip);
        out->len -= skip;
    }
    if (!e->aligned || out->len == begin)
        return 0;
    return append_tail(fd, e, begin, path, out, err);
}

int extent_read(const struct extent *e, const char *directory, struct buf *out, struct err *err)
{
    if (!extent_valid(e))
        return err_set(err, -EPROTO, "an extent of a file is out of range");
    char path[EXTENT_PATH_MAX + 1];
    memcpy(path, e->path, e->path_len);
    path[e->path_len] = '\0';
    _close_ int fd = open_path(e, path, directory, err);
    if (fd < 0)
        return fd;
    if (e->length == 0)
        return 0;
    size_t begin = out->len;
    int r = read_extent(fd, e, path, out, err);
    if (r < 0)
        out->len = begin;
    return r;
}
