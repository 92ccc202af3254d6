#include "pipelines/source/data_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "pipelines/input/separator.h"
#include "pipelines/own_path.h"
#include "pipelines/source/cutter.h"
#include "pipelines/source/extent.h"
#include "pipelines/source/source_path.h"

static int check_stream(const struct plan *plan, const char *path, const struct data_file *f,
                        struct err *err)
{
    const char *name = strcmp(path, "-") == 0 ? "standard input" : path;
    const struct chunking *rule = &plan->steps[0].chunking;
    if (rule->rule == CHUNK_PARTS)
        return err_set(
            err, -EINVAL, "'%s' is %s, so its size is unknown; %s needs a plain file, use %s", name,
            f->packed ? "compressed" : "a pipe", plan->is_oneliner ? "--parts" : "chunk.parts",
            plan->is_oneliner ? "--block or --lines" : "bytes or lines");
    if (rule->rule == CHUNK_BYTES && rule->n > CUTTER_CHUNK_MAX)
        return err_set(err, -EFBIG,
                       "a chunk of '%s' can have %u MiB at most, because it is sent to the worker, "
                       "not read by it; %llu bytes were asked for",
                       name, CUTTER_CHUNK_MAX >> 20, (unsigned long long)rule->n);
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
            return err_sys(err, r, "'%s'", path);
        ssize_t n = fd_pread_full(fd, head.data + at, SOURCE_BLOCK, (off_t)at);
        if (n < 0)
            return err_sys(err, (int)n, "'%s'", path);
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
                           "'%s': its header lines (%u) are longer than %u "
                           "bytes",
                           path, rule->header_lines, SEPARATOR_HEADER_BYTES_MAX);
    }
}

// Files of /proc and /sys have contents that their sizes don't tell: nothing is where the size says
// that the last byte is, or something is there although the size is 0.
static int has_its_size(int fd, const struct data_file *f, bool *ret)
{
    uint8_t byte;
    ssize_t n = fd_pread_full(fd, &byte, 1, f->size ? (off_t)f->size - 1 : 0);
    *ret = f->size ? n == 1 : n == 0;
    return n == -EISDIR ? (int)n : 0;
}

// Looks at the beginning of a file: whether it is compressed, and how long its header is.
static int look_into(const struct plan *plan, const char *path, struct data_file *f,
                     struct err *err)
{
    uint8_t magic[UNPACK_MAGIC_BYTES];
    bool has_size;
    _close_ int fd = source_open_path(plan, path, err);
    if (fd < 0)
        return fd;
    int r = has_its_size(fd, f, &has_size);
    if (r == 0 && !has_size) {
        f->is_stream = true;
        f->size = 0;
        return 0;
    }
    ssize_t n = r < 0 ? r : fd_pread_full(fd, magic, sizeof(magic), 0);
    if (n < 0)
        return err_sys(err, (int)n, "'%s'", path);
    f->packed = unpack_kind_of(magic, (size_t)n);
    f->is_stream = f->packed != UNPACK_NONE;
    r = extent_fingerprint(fd, f->size, &f->fingerprint);
    if (r < 0)
        return err_sys(err, r, "'%s'", path);
    if (f->packed || !plan->source.separator.header_lines)
        return 0;
    return read_header(plan, fd, path, f, err);
}

int data_file_look(const struct plan *plan, const char *path, struct data_file *f, struct err *err)
{
    struct stat st;
    if (strlen(path) > EXTENT_PATH_MAX)
        return err_sys(err, -ENAMETOOLONG, "'%s'", path);
    int r = source_look_path(plan, path, &st, err);
    if (r < 0)
        return r;
    f->is_stream = !S_ISREG(st.st_mode) || path_is_own(path);
    f->size = f->is_stream ? 0 : (uint64_t)st.st_size;
    f->mtime_ns = extent_mtime_ns(&st);
    r = f->is_stream ? 0 : look_into(plan, path, f, err);
    if (r < 0)
        return r;
    return f->is_stream ? check_stream(plan, path, f, err) : 0;
}
