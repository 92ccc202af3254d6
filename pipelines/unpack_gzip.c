// By zlib, which is linked: .gz is everywhere.
#include <errno.h>
#include <stdlib.h>
#include <zlib.h>

#include "pipelines/unpack_kinds.h"

#define WINDOW (15 + 16) // the largest window, with gzip's own header

static int gzip_open(struct unpacker *u, struct err *err)
{
    (void)err;
    z_stream *z = calloc(1, sizeof(*z));
    if (!z || inflateInit2(z, WINDOW) != Z_OK) {
        free(z);
        return -ENOMEM;
    }
    u->state = z;
    return 0;
}

static int gzip_again(struct unpacker *u)
{
    return inflateReset2(u->state, WINDOW) == Z_OK ? 0 : -EBADMSG;
}

static ssize_t gzip_read(struct unpacker *u, uint8_t *out, size_t size)
{
    z_stream *z = u->state;
    union {
        const uint8_t *given;
        Bytef *taken; // zlib does not write to it
    } next = {.given = u->in + u->in_at};
    z->next_in = next.taken;
    z->avail_in = (uInt)unpack_left(u);
    z->next_out = out;
    z->avail_out = (uInt)size;
    int r = inflate(z, Z_NO_FLUSH);
    u->in_at = u->in_len - z->avail_in;
    u->inside = r != Z_STREAM_END;
    u->pending = r == Z_OK && z->avail_out == 0;
    bool fine = r == Z_OK || r == Z_BUF_ERROR || r == Z_STREAM_END;
    return unpack_gave(u, size - z->avail_out, fine ? 0 : r == Z_MEM_ERROR ? -ENOMEM : -EBADMSG);
}

static void gzip_close(struct unpacker *u)
{
    if (u->state)
        inflateEnd(u->state);
    free(u->state);
}

const struct unpack_ops unpack_gzip = {"gzip", gzip_open, gzip_again, gzip_read, gzip_close};
