#include "pipelines/source/extent.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/digest.h"
#include "base/fd.h"
#include "base/pack.h"
#include "pipelines/input/separator.h"

#define TAIL_BLOCK (64u << 10) // read at a time in search of the end of the last record

static bool extent_valid(const struct extent *e)
{
    return e->path_len > 0 && e->path_len <= EXTENT_PATH_MAX && e->length <= EXTENT_BYTES_MAX &&
           e->offset <= (uint64_t)INT64_MAX - EXTENT_BYTES_MAX &&
           e->header_bytes <= SEPARATOR_HEADER_BYTES_MAX && e->header_bytes <= e->offset &&
           memchr(e->path, '\0', e->path_len) == NULL;
}

int extent_put(struct buf *out, const struct extent *e)
{
    struct pack_writer w;
    pack_writer_init(&w, out);
    pack_array(&w, 8);
    pack_bin(&w, e->path, e->path_len);
    pack_u64(&w, e->offset);
    pack_u64(&w, e->length);
    pack_bool(&w, e->aligned);
    pack_u64(&w, e->header_bytes);
    pack_u64(&w, e->file_size);
    pack_i64(&w, e->mtime_ns);
    pack_u64(&w, e->fingerprint);
    return w.error;
}

int extent_get(const void *data, size_t len, struct extent *ret)
{
    struct pack_reader r;
    pack_reader_init(&r, data, len);
    if (pack_read_array(&r, 8) != 8)
        return -EPROTO;
    struct extent e = {0};
    e.path = (const char *)pack_read_bin(&r, EXTENT_PATH_MAX, &e.path_len);
    e.offset = pack_read_u64(&r, INT64_MAX);
    e.length = pack_read_u64(&r, EXTENT_BYTES_MAX);
    e.aligned = pack_read_bool(&r);
    e.header_bytes = pack_read_u64(&r, SEPARATOR_HEADER_BYTES_MAX);
    e.file_size = pack_read_u64(&r, UINT64_MAX);
    e.mtime_ns = pack_read_i64(&r);
    e.fingerprint = pack_read_u64(&r, UINT64_MAX);
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

// *ret_path is NUL-terminated, for messages.
static int open_extent(const struct extent *e, const char *directory,
                       char ret_path[EXTENT_PATH_MAX + 1], struct err *err)
{
    if (!extent_valid(e))
        return err_set(err, -EPROTO, "an extent of a file is out of range");
    const char *path = memcpy(ret_path, e->path, e->path_len);
    ret_path[e->path_len] = '\0';
    _close_ int dir = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0)
        return err_sys(err, -errno, "'%s'", directory);
    // O_NONBLOCK: a fifo in the file's place must not block the executor.
    _close_ int fd = openat(dir, path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0)
        return err_sys(err, -errno, "'%s'", path);
    struct stat st;
    if (fstat(fd, &st) < 0)
        return err_sys(err, -errno, "'%s'", path);
    if (S_ISDIR(st.st_mode))
        return err_sys(err, -EISDIR, "'%s'", path);
    if (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode))
        return err_set(err, -EINVAL, "'%s' is not a file that can be read at any position", path);
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

// The part of an extent being read: its bytes are in `out` from `begin` on, and in the file from
// `offset` on.
struct piece {
    const struct extent *extent;
    const char *path;
    int fd;
    struct separator separator;
    struct buf *out;
    size_t begin;
    uint64_t offset;
};

static int became_shorter(const struct piece *p, struct err *err)
{
    return err_set(err, -ESTALE, "'%s' became shorter than %llu bytes while it was in use", p->path,
                   (unsigned long long)p->extent->offset + p->extent->length);
}

// Appends up to `len` bytes more. Returns how many.
static ssize_t read_more(struct piece *p, size_t len, struct err *err)
{
    return append_at(p->fd, p->offset + (p->out->len - p->begin), len, p->path, p->out, err);
}

static size_t find(const struct piece *p, size_t from)
{
    return separator_find(&p->separator, p->out->data + p->begin, p->out->len - p->begin, from);
}

// Cuts the piece after the end of its last record, and reads as far as that. `end` is where the
// extent ends within the piece.
static int find_tail(struct piece *p, size_t end, struct err *err)
{
    size_t ahead =
        p->separator.len - p->separator.cut; // a start is looked at, but belongs to the next record
    size_t from = end;
    for (;;) {
        size_t found = find(p, from);
        size_t have = p->out->len - p->begin;
        if (found != SEPARATOR_NONE) {
            p->out->len = p->begin + found;
            return 0;
        }
        if (have >= EXTENT_BYTES_MAX)
            return err_set(err, -EFBIG, "'%s': the record that spans byte %llu is too long",
                           p->path, (unsigned long long)p->extent->offset + p->extent->length);
        if (have > ahead && have - ahead > end)
            from = have - ahead;
        ssize_t n = read_more(p, TAIL_BLOCK, err);
        if (n <= 0)
            return (int)n;
    }
}

static int read_aligned(struct piece *p, struct err *err)
{
    const struct extent *e = p->extent;
    bool is_first = e->offset == e->header_bytes; // a record begins there in any case
    uint64_t past_header = e->offset - e->header_bytes;
    size_t before = p->separator.cut < past_header ? p->separator.cut : (size_t)past_header;
    size_t end = before + (size_t)e->length;
    p->offset = e->offset - before;
    ssize_t n = read_more(p, end + p->separator.len - p->separator.cut, err);
    if (n < 0)
        return (int)n;
    if ((size_t)n < end)
        return became_shorter(p, err);
    size_t first = is_first ? 0 : find(p, before);
    if (first == SEPARATOR_NONE || first >= end) {
        p->out->len = p->begin; // it is filled by a record that began earlier
        return 0;
    }
    int r = find_tail(p, end, err);
    if (r < 0)
        return r;
    uint8_t *data = p->out->data + p->begin;
    p->out->len -= first;
    memmove(data, data + first, p->out->len - p->begin);
    return 0;
}

static int read_exactly(struct piece *p, struct err *err)
{
    p->offset = p->extent->offset;
    ssize_t n = read_more(p, (size_t)p->extent->length, err);
    if (n < 0)
        return (int)n;
    return (size_t)n < p->extent->length ? became_shorter(p, err) : 0;
}

static int read_extent(struct piece *p, const struct separator_rule *rule, struct err *err)
{
    const struct extent *e = p->extent;
    struct buf *out = p->out;
    size_t header = out->len;
    if (e->header_bytes) {
        ssize_t n = append_at(p->fd, 0, (size_t)e->header_bytes, p->path, out, err);
        if (n < 0)
            return (int)n;
        if ((uint64_t)n < e->header_bytes)
            return became_shorter(p, err);
    }
    p->begin = out->len;
    int r = e->aligned && p->separator.len ? read_aligned(p, err) : read_exactly(p, err);
    if (r < 0)
        return r;
    if (out->len == p->begin) {
        out->len = header;
        return EXTENT_NO_RECORD;
    }
    out->len = p->begin + separator_strip(rule, out->data + p->begin, out->len - p->begin);
    return 0;
}

int extent_fingerprint(int fd, uint64_t size, uint64_t *ret)
{
    const size_t part = EXTENT_FINGERPRINT_BYTES;
    uint8_t ends[2 * EXTENT_FINGERPRINT_BYTES], digest[DIGEST_BYTES];
    ssize_t first = fd_pread_full(fd, ends, part, 0);
    if (first < 0)
        return (int)first;
    ssize_t last = fd_pread_full(fd, ends + first, part, size > part ? (off_t)(size - part) : 0);
    if (last < 0)
        return (int)last;
    digest_bytes(ends, (size_t)(first + last), digest);
    memcpy(ret, digest, sizeof(*ret));
    *ret |= 1; // 0 means unknown
    return 0;
}

static bool is_seen(const struct extent *e, const struct stat *st, const struct extent_seen *seen)
{
    return seen->fingerprint && seen->fingerprint == e->fingerprint && seen->device == st->st_dev &&
           seen->inode == st->st_ino && seen->file_size == (uint64_t)st->st_size &&
           seen->mtime_ns == extent_mtime_ns(st);
}

int extent_check(const struct extent *e, const char *directory, struct extent_seen *seen,
                 struct err *err)
{
    char path[EXTENT_PATH_MAX + 1];
    uint64_t found;
    struct stat st;
    if (!e->fingerprint)
        return 0;
    _close_ int fd = open_extent(e, directory, path, err);
    if (fd < 0)
        return fd;
    if (fstat(fd, &st) < 0)
        return err_sys(err, -errno, "'%s'", path);
    if (is_seen(e, &st, seen))
        return 0;
    int r = extent_fingerprint(fd, (uint64_t)st.st_size, &found);
    if (r < 0)
        return err_sys(err, r, "'%s'", path);
    if (found != e->fingerprint)
        return err_set(err, -ESTALE, "'%s' is not the file that the source saw", path);
    *seen = (struct extent_seen){.device = st.st_dev,
                                 .inode = st.st_ino,
                                 .fingerprint = found,
                                 .file_size = (uint64_t)st.st_size,
                                 .mtime_ns = extent_mtime_ns(&st)};
    return 0;
}

int extent_read(const struct extent *e, const struct separator_rule *rule, const char *directory,
                struct buf *out, struct err *err)
{
    char path[EXTENT_PATH_MAX + 1];
    _close_ int fd = open_extent(e, directory, path, err);
    if (fd < 0)
        return fd;
    if (e->length == 0)
        return EXTENT_NO_RECORD;
    size_t begin = out->len;
    struct piece piece = {.extent = e, .path = path, .fd = fd, .out = out};
    separator_init(rule, &piece.separator);
    int r = read_extent(&piece, rule, err);
    if (r < 0)
        out->len = begin;
    return r;
}
