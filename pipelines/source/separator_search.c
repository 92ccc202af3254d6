#include "pipelines/source/separator_search.h"

#include <errno.h>

#include "base/fd.h"
#include "pipelines/source/extent.h"

// Where in the block, which begins at `at` of the file, the last of `*n` records ends;
// SEPARATOR_NONE: later. `*next` is the least place of the file where a record may begin.
static size_t end_in_block(const struct separator_search *s, size_t len, uint64_t at, uint64_t *n,
                           uint64_t *next)
{
    for (;;) {
        size_t from = *next > at ? (size_t)(*next - at) : 0;
        size_t found = separator_find(&s->separator, s->block, len, from);
        if (found == SEPARATOR_NONE)
            return SEPARATOR_NONE;
        *next = at + separator_after(&s->separator, found);
        if (--*n == 0)
            return found;
    }
}

int separator_search_end(struct separator_search *s, int fd, const char *path, uint64_t size,
                         uint64_t from, uint64_t n, uint64_t *ret_end, struct err *err)
{
    uint64_t at = from, next = separator_after(&s->separator, 0) + from;
    while (at < size && at - from <= EXTENT_BYTES_MAX) {
        size_t len = size - at < SOURCE_BLOCK ? (size_t)(size - at) : SOURCE_BLOCK;
        ssize_t got = fd_pread_full(fd, s->block, len, (off_t)at);
        if (got < 0)
            return err_sys(err, (int)got, "'%s'", path);
        if ((size_t)got < len)
            return err_set(err, -ESTALE, "'%s' became shorter than %llu bytes", path,
                           (unsigned long long)size);
        size_t found = end_in_block(s, len, at, &n, &next);
        if (found != SEPARATOR_NONE) {
            *ret_end = at + found;
            return 0;
        }
        // A separator that begins in this block may end in the next.
        size_t again = s->separator.len - 1 < len ? s->separator.len - 1 : 0;
        at += at + len == size ? len : len - again;
    }
    *ret_end = at;
    return 0;
}
