#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>

#include "pipelines/unpack_kinds.h"

#if __has_include(<bzlib.h>)
#include <bzlib.h>

struct bzip2 {
    void *library;
    __typeof__(BZ2_bzDecompressInit) *init;
    __typeof__(BZ2_bzDecompress) *step;
    __typeof__(BZ2_bzDecompressEnd) *end;
    bz_stream stream;
    bool open;
};

static int bzip2_again(struct unpacker *u)
{
    struct bzip2 *b = u->state;
    if (b->open)
        b->end(&b->stream);
    b->stream = (bz_stream){0};
    b->open = b->init(&b->stream, 0, 0) == BZ_OK;
    return b->open ? 0 : -ENOMEM;
}

static int bzip2_open(struct unpacker *u, struct err *err)
{
    struct bzip2 *b = calloc(1, sizeof(*b));
    u->state = b;
    if (!b)
        return -ENOMEM;
    const struct unpack_symbol symbols[] = {{"BZ2_bzDecompressInit", (void *)&b->init},
                                            {"BZ2_bzDecompress", (void *)&b->step},
                                            {"BZ2_bzDecompressEnd", (void *)&b->end},
                                            {0}};
    int r = unpack_library("libbz2.so.1.0", "bzip2", symbols, &b->library, err);
    if (r == -ELIBACC) // as Fedora and others name it
        r = unpack_library("libbz2.so.1", "bzip2", symbols, &b->library, err);
    return r < 0 ? r : bzip2_again(u);
}

static ssize_t bzip2_read(struct unpacker *u, uint8_t *out, size_t size)
{
    struct bzip2 *b = u->state;
    union {
        const uint8_t *given;
        char *taken; // libbz2 does not write to it
    } next = {.given = u->in + u->in_at};
    b->stream.next_in = next.taken;
    b->stream.avail_in = (unsigned)unpack_left(u);
    b->stream.next_out = (char *)out;
    b->stream.avail_out = (unsigned)size;
    int r = b->step(&b->stream);
    u->in_at = u->in_len - b->stream.avail_in;
    u->inside = r != BZ_STREAM_END;
    u->pending = r == BZ_OK && b->stream.avail_out == 0;
    bool fine = r == BZ_OK || r == BZ_STREAM_END;
    return unpack_gave(u, size - b->stream.avail_out,
                       fine                ? 0
                       : r == BZ_MEM_ERROR ? -ENOMEM
                                           : -EBADMSG);
}

static void bzip2_close(struct unpacker *u)
{
    struct bzip2 *b = u->state;
    if (b && b->open)
        b->end(&b->stream);
    if (b && b->library)
        dlclose(b->library);
    free(b);
}

const struct unpack_ops unpack_bzip2 = {"bzip2", bzip2_open, bzip2_again, bzip2_read, bzip2_close};
#else
const struct unpack_ops unpack_bzip2 = {"bzip2", unpack_absent, NULL, NULL, unpack_nothing};
#endif
