#include "pipelines/source/source_input.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "pipelines/source/source.h"
#include "pipelines/unpack.h"

struct source_input {
    const char *path;
    int fd;
    enum unpack_kind packed;
    struct unpacker *unpacker; // NULL: its bytes are plain
    bool checks_text;          // with the next bytes
    uint8_t raw[SOURCE_BLOCK];
    uint8_t plain[SOURCE_BLOCK];
};

static int look(const struct source_input *in, enum unpack_kind *ret, struct err *err)
{
    uint8_t magic[UNPACK_MAGIC_BYTES];
    struct stat st;
    *ret = UNPACK_NONE;
    if (fstat(in->fd, &st) < 0)
        return err_sys(err, -errno, "'%s'", in->path);
    // Reading from a pipe consumes, and standard input may not be at its beginning.
    if (!S_ISREG(st.st_mode) || (in->path[0] == '-' && !in->path[1]))
        return 0;
    ssize_t n = fd_pread_full(in->fd, magic, sizeof(magic), 0);
    if (n < 0)
        return err_sys(err, (int)n, "'%s'", in->path);
    *ret = unpack_kind_of(magic, (size_t)n);
    return 0;
}

int source_input_open(const struct plan *plan, const char *path, struct source_input **ret,
                      struct err *err)
{
    enum unpack_kind kind = UNPACK_NONE;
    struct source_input *in = calloc(1, sizeof(*in));
    if (!in)
        return err_sys(err, -ENOMEM, "'%s'", path);
    in->path = path;
    in->fd = source_open_path(plan, path, err);
    int r = in->fd < 0 ? in->fd : look(in, &kind, err);
    in->packed = kind;
    if (r == 0 && kind && (r = unpacker_new(kind, &in->unpacker, err)) < 0)
        r = err_wrap(err, r, "'%s'", path);
    if (r < 0)
        in = source_input_close(in);
    else
        *ret = in;
    return r;
}

struct source_input *source_input_close(struct source_input *in)
{
    if (!in)
        return NULL;
    if (in->fd >= 0)
        close(in->fd);
    unpacker_free(in->unpacker);
    free(in);
    return NULL;
}

int source_input_fd(const struct source_input *in)
{
    return in->fd;
}

static ssize_t read_raw(struct source_input *in, struct err *err)
{
    ssize_t n = source_read_block(in->fd, in->raw);
    return n < 0 && n != -EAGAIN ? err_sys(err, (int)n, "'%s'", in->path) : n;
}

// What comes before the damage has been given out.
static int damaged(const struct source_input *in, int code, struct err *err)
{
    const char *name = unpack_name(in->packed);
    unsigned long long offset = unpacker_offset(in->unpacker);
    if (code == -EFBIG)
        return err_set(err, code,
                       "'%s': unpacking it takes more than %u MiB of memory; unpack it "
                       "with %s first",
                       in->path, UNPACK_MEMORY_MAX >> 20, name);
    if (code != -EBADMSG && code != -ENODATA)
        return err_sys(err, code, "'%s'", in->path);
    return err_set(
        err, -EBADMSG,
        "'%s'%s byte %llu; what comes before has been read. Test it with '%s -t', and get "
        "it again",
        in->path,
        code == -ENODATA ? " is truncated: its compressed data end too early, after"
                         : ": its compressed data are damaged near",
        offset, name);
}

static ssize_t read_plain(struct source_input *in, const uint8_t **ret, struct err *err)
{
    ssize_t n;
    *ret = in->unpacker ? in->plain : in->raw;
    if (!in->unpacker)
        return read_raw(in, err);
    do {
        if (unpacker_wants(in->unpacker)) {
            n = read_raw(in, err);
            if (n == 0 && !unpacker_at_end(in->unpacker))
                return damaged(in, -ENODATA, err);
            if (n <= 0)
                return n;
            unpacker_feed(in->unpacker, in->raw, (size_t)n);
        }
        n = unpacker_read(in->unpacker, in->plain, sizeof(in->plain));
    } while (n == 0); // a frame's head alone, say
    return n < 0 ? damaged(in, (int)n, err) : n;
}

void source_input_is_text(struct source_input *in)
{
    in->checks_text = true;
}

int source_check_text(const char *path, const void *data, size_t len, size_t *ret_mark,
                      struct err *err)
{
    bool is_wide =
        len >= 2 && (memcmp(data, "\xff\xfe", 2) == 0 || memcmp(data, "\xfe\xff", 2) == 0);
    if (is_wide)
        return err_set(err, -EILSEQ,
                       "'%s' is in UTF-16; turn it into UTF-8 first: iconv -f UTF-16 -t UTF-8",
                       strcmp(path, "-") ? path : "standard input");
    *ret_mark = len >= 3 && memcmp(data, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
    return 0;
}

ssize_t source_input_read(struct source_input *in, const uint8_t **ret, struct err *err)
{
    ssize_t n = read_plain(in, ret, err);
    size_t mark = 0;
    if (n <= 0 || !in->checks_text)
        return n;
    in->checks_text = false;
    int r = source_check_text(in->path, *ret, (size_t)n, &mark, err);
    *ret += mark;
    // Nothing but the mark: read on, for 0 would be the end.
    return r < 0 ? r : (size_t)n > mark ? n - (ssize_t)mark : read_plain(in, ret, err);
}
