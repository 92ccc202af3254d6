#include "pipelines/source/data_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "pipelines/input/separator.h"
#include "pipelines/source/cutter.h"
#include "pipelines/source/extent.h"
#include "pipelines/source/source_path.h"

static int check_stream(const struct plan *plan, const char *path, const struct data_file *f,
                        struct err *err)
{
    const char *name = strcmp(path, "-") == 0 ? "standard input" : path;
    const struct chunking *rule = &plan->steps[0].chunking;
    if (rule->rule == CHUNK_PARTS)
        return err_set(err, -EINVAL,
                       "source.data: '%s' is %s, so its size is unknown; chunk.parts needs a "
                       "%sfile, use bytes or lines",
                       name, f->packed ? "compressed" : "a pipe", f->packed ? "plain " : "");
    if (rule->rule == CHUNK_BYTES && rule->n > STREAM_PIECE_MAX)
        return err_set(err, -EFBIG,
                       "chunk.bytes: at most %u bytes of '%s' per chunk, because they are sent to "
                       "the worker, not read by it",
                       STREAM_PIECE_MAX, name);
    return 0;
}

// The header of a file that has nothing else is all of it.
static int read_header(const struct plan *plan, int fd, const char *path, struct data_file *f,
                       struct err *err)
{
    const struct separator_rule *rule = &plan->source.separator;
    _cleanup_(buf_done)
    struct buf head = {0};
    for (;;) {
        size_t at = head.len;
        int r = buf_reserve(&head, SOURCE_BLOCK);
        if (r < 0)
            return err_sys(err, r, "source.data: '%s'", path);
        ssize_t n = fd_pread_full(fd, head.data + at, SOURCE_BLOCK, (off_t)at);
        if (n < 0)
            return err_sys(err, (int)n, "source.data: '%s'", path);
        head.len += (size_t)n;
        size_t found = separator_header(rule, head.data, head.len);
        if (found == SEPARATOR_NONE && n == 0)
            found = f->size < head.len ? (size_t)f->size : head.len;
        if (found != SEPARATOR_NONE && found <= SEPARATOR_HEADER_BYTES_MAX) {
            f->header = found < f->size ? found : f->size;
            return 0;
        }
        if (head.len > SEPARATOR_HEADER_BYTES_MAX)
            return err_set(err, -EFBIG,
                           "source.data: '%s': its header lines (%u) are longer than %u "
                           "bytes",
                           path, rule->header_lines, SEPARATOR_HEADER_BYTES_MAX);
    }
}

// Looks at the beginning of a file: whether it is compressed, and how long its header is.
static int look_into(const struct plan *plan, const char *path, struct data_file *f,
                     struct err *err)
{
    uint8_t magic[UNPACK_MAGIC_BYTES];
    _close_ int fd = source_open_path(plan, path, err);
    if (fd < 0)
        return err_wrap(err, fd, "source.data");
    ssize_t n = fd_pread_full(fd, magic, sizeof(magic), 0);
    if (n < 0)
        return err_sys(err, (int)n, "source.data: '%s'", path);
    f->packed = unpack_kind_of(magic, (size_t)n);
    int r = extent_fingerprint(fd, f->size, &f->fingerprint);
    if (r < 0)
        return err_sys(err, r, "source.data: '%s'", path);
    if (f->packed || !plan->source.separator.header_lines)
        return 0;
    return read_header(plan, fd, path, f, err);
}

int data_file_look(const struct plan *plan, const char *path, struct data_file *f, struct err *err)
{
    f->is_stream = strcmp(path, "-") == 0;
    if (f->is_stream)
        return check_stream(plan, path, f, err);
    if (strlen(path) > EXTENT_PATH_MAX)
        return err_sys(err, -ENAMETOOLONG, "source.data: '%s'", path);
    _close_ int dir = open(plan->directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
    struct stat st;
    if (dir < 0 || fstatat(dir, path, &st, 0) < 0 || faccessat(dir, path, R_OK, AT_EACCESS) < 0)
        return err_sys(err, -errno, "source.data: '%s'", path);
    if (S_ISDIR(st.st_mode))
        return err_sys(err, -EISDIR, "source.data: '%s'", path);
    f->is_stream = !S_ISREG(st.st_mode);
    f->size = f->is_stream ? 0 : (uint64_t)st.st_size;
    f->mtime_ns = extent_mtime_ns(&st);
    int r = f->is_stream ? 0 : look_into(plan, path, f, err);
    if (r < 0)
        return r;
    f->is_stream |= f->packed != UNPACK_NONE;
    if (f->is_stream)
        return check_stream(plan, path, f, err);
    return 0;
}
