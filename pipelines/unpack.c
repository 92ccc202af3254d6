#include "pipelines/unpack.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#define GZIP_WINDOW (15 + 16) // the largest window, with gzip's own header
#define ZSTD_WINDOW_LOG 27    // 128 MiB, the most that zstd accepts by default

struct unpacker {
    enum unpack_kind kind;
    z_stream gzip;
    ZSTD_DStream *zstd;
    ZSTD_inBuffer in;
    bool inside;      // of a member or frame
    bool pending;     // zstd: it may hold bytes that did not fit
    bool past_member; // gzip: what follows is another member, or padding
};

enum unpack_kind unpack_kind_of(const void *data, size_t len)
{
    const uint8_t *c = data;
    if (len >= 3 && c[0] == 0x1f && c[1] == 0x8b && c[2] == 8)
        return UNPACK_GZIP;
    if (len >= 4 && c[0] == 0x28 && c[1] == 0xb5 && c[2] == 0x2f && c[3] == 0xfd)
        return UNPACK_ZSTD;
    return UNPACK_NONE;
}

int unpacker_new(enum unpack_kind kind, struct unpacker **ret)
{
    struct unpacker *u = calloc(1, sizeof(*u));
    if (!u)
        return -ENOMEM;
    u->kind = kind;
    if (kind == UNPACK_GZIP && inflateInit2(&u->gzip, GZIP_WINDOW) == Z_OK) {
        *ret = u;
        return 0;
    }
    if (kind == UNPACK_ZSTD && (u->zstd = ZSTD_createDStream()) &&
        !ZSTD_isError(ZSTD_DCtx_setParameter(u->zstd, ZSTD_d_windowLogMax, ZSTD_WINDOW_LOG))) {
        *ret = u;
        return 0;
    }
    ZSTD_freeDStream(u->zstd);
    free(u);
    return -ENOMEM;
}

struct unpacker *unpacker_free(struct unpacker *u)
{
    if (!u)
        return NULL;
    if (u->kind == UNPACK_GZIP)
        inflateEnd(&u->gzip);
    ZSTD_freeDStream(u->zstd);
    free(u);
    return NULL;
}

void unpacker_feed(struct unpacker *u, const void *data, size_t len)
{
    u->in = (ZSTD_inBuffer){.src = data, .size = len};
}

bool unpacker_wants(const struct unpacker *u)
{
    return u->in.pos == u->in.size && !u->pending;
}

bool unpacker_at_end(const struct unpacker *u)
{
    return !u->inside;
}

static ssize_t read_gzip(struct unpacker *u, uint8_t *out, size_t size)
{
    const uint8_t *src = u->in.src;
    if (u->past_member && u->in.pos < u->in.size) {
        // Zeros that pad the last block of a tape or an archive are not a member.
        while (u->in.pos < u->in.size && src[u->in.pos] == 0)
            u->in.pos++;
        if (u->in.pos == u->in.size)
            return 0;
        if (inflateReset2(&u->gzip, GZIP_WINDOW) != Z_OK)
            return -EBADMSG;
        u->past_member = false;
    }
    union {
        const uint8_t *given;
        Bytef *taken; // zlib does not write to it
    } next = {.given = src + u->in.pos};
    u->gzip.next_in = next.taken;
    u->gzip.avail_in = (uInt)(u->in.size - u->in.pos);
    u->gzip.next_out = out;
    u->gzip.avail_out = (uInt)size;
    u->inside = true;
    int r = inflate(&u->gzip, Z_NO_FLUSH);
    u->in.pos = u->in.size - u->gzip.avail_in;
    if (r == Z_STREAM_END) {
        u->inside = false;
        u->past_member = true;
    } else if (r == Z_MEM_ERROR) {
        return -ENOMEM;
    } else if (r != Z_OK && r != Z_BUF_ERROR) {
        return -EBADMSG;
    }
    u->pending = r == Z_OK && u->gzip.avail_out == 0;
    return (ssize_t)(size - u->gzip.avail_out);
}

static ssize_t read_zstd(struct unpacker *u, uint8_t *out, size_t size)
{
    ZSTD_outBuffer to = {.dst = out, .size = size};
    size_t r = ZSTD_decompressStream(u->zstd, &to, &u->in);
    if (ZSTD_isError(r))
        return ZSTD_getErrorCode(r) == ZSTD_error_memory_allocation ? -ENOMEM : -EBADMSG;
    u->inside = r != 0;
    u->pending = to.pos == to.size;
    return (ssize_t)to.pos;
}

ssize_t unpacker_read(struct unpacker *u, void *out, size_t size)
{
    if (unpacker_wants(u))
        return 0;
    return u->kind == UNPACK_GZIP ? read_gzip(u, out, size) : read_zstd(u, out, size);
}
