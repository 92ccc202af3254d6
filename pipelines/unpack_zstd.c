#include <errno.h>
#include <stdlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "pipelines/unpack_kinds.h"

#define ZSTD_WINDOW_LOG 27 // 128 MiB, the most that zstd accepts by default

struct zstd {
    ZSTD_DStream *stream;
    size_t next; // bytes that the next step takes
};

static int zstd_again(struct unpacker *u)
{
    struct zstd *z = u->state;
    z->next = ZSTD_initDStream(z->stream);
    return ZSTD_isError(z->next) ? -ENOMEM : 0;
}

static int zstd_open(struct unpacker *u, struct err *err)
{
    (void)err;
    struct zstd *z = calloc(1, sizeof(*z));
    u->state = z;
    if (!z || !(z->stream = ZSTD_createDStream()) ||
        ZSTD_isError(ZSTD_DCtx_setParameter(z->stream, ZSTD_d_windowLogMax, ZSTD_WINDOW_LOG)))
        return -ENOMEM;
    return zstd_again(u);
}

static int zstd_error(size_t code)
{
    switch (ZSTD_getErrorCode(code)) {
    case ZSTD_error_memory_allocation:
        return -ENOMEM;
    case ZSTD_error_frameParameter_windowTooLarge:
        return -EFBIG;
    default:
        return -EBADMSG;
    }
}

static ssize_t zstd_read(struct unpacker *u, uint8_t *out, size_t size)
{
    struct zstd *z = u->state;
    ZSTD_outBuffer to = {.dst = out, .size = size};
    do {
        // A step at a time: with an error, all that a call would have given is lost.
        size_t n = unpack_left(u) < z->next ? unpack_left(u) : z->next;
        ZSTD_inBuffer from = {.src = u->in + u->in_at, .size = n};
        size_t before = to.pos;
        size_t r = ZSTD_decompressStream(z->stream, &to, &from);
        u->in_at += from.pos;
        if (ZSTD_isError(r))
            return unpack_gave(u, before, zstd_error(r));
        u->inside = r != 0;
        u->pending = to.pos == to.size;
        z->next = r;
    } while (u->inside && to.pos < to.size && unpack_left(u));
    return (ssize_t)to.pos;
}

static void zstd_close(struct unpacker *u)
{
    struct zstd *z = u->state;
    if (z)
        ZSTD_freeDStream(z->stream);
    free(z);
}

const struct unpack_ops unpack_zstd = {"zstd", zstd_open, zstd_again, zstd_read, zstd_close};
