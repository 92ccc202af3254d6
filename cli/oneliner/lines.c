#include "cli/oneliner/lines.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/fd.h"
#include "pipelines/own_path.h"
#include "pipelines/source/source.h"

#define READ_BYTES 65536u

static int read_all(int fd, size_t max, struct buf *out)
{
    for (;;) {
        int r = buf_reserve(out, READ_BYTES);
        if (r < 0)
            return r;
        ssize_t n = fd_read_full(fd, out->data + out->len, READ_BYTES);
        if (n <= 0)
            return (int)n;
        out->len += (size_t)n;
        if (out->len > max)
            return -EFBIG;
    }
}

static int give(const struct buf *text, size_t at, uint8_t delimiter, bool trims_cr, lines_fn *fn,
                void *arg)
{
    for (; at < text->len;) {
        const uint8_t *from = text->data + at;
        const uint8_t *end = memchr(from, delimiter, text->len - at);
        size_t len = end ? (size_t)(end - from) : text->len - at;
        if (memchr(from, '\0', len))
            return -EILSEQ;
        bool has_cr = trims_cr && len && from[len - 1] == '\r';
        int r = fn(arg, (const char *)from, len - has_cr);
        if (r < 0)
            return r;
        at += len + 1;
    }
    return 0;
}

int lines_read(const char *path, uint8_t delimiter, bool trims_cr, size_t max, lines_fn *fn,
               void *arg, struct err *err)
{
    bool from_stdin = path_is_stdin(path);
    const char *name = from_stdin ? "standard input" : path;
    _cleanup_(buf_done)
    struct buf text = {0};
    _close_ int opened = -1;
    if (!from_stdin && (opened = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY)) < 0)
        return err_sys(err, -errno, "'%s'", name);
    int r = read_all(from_stdin ? STDIN_FILENO : opened, max, &text);
    size_t mark = 0;
    if (r == 0 && delimiter == '\n' &&
        (r = source_check_text(from_stdin ? "-" : path, text.data, text.len, &mark, err)) < 0)
        return r;
    if (r == 0)
        r = give(&text, mark, delimiter, trims_cr && delimiter == '\n', fn, arg);
    if (r == -EFBIG)
        return err_set(err, r, "'%s': more than %zu MiB of items, the limit for a submitted job",
                       name, max >> 20);
    if (r == -EILSEQ)
        return err_set(
            err, r, "'%s': an item contains a NUL byte; for items that end with one use -0", name);
    return r < 0 ? err_sys(err, r, "'%s'", name) : 0;
}
