#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>

#include "pipelines/unpack_kinds.h"

#if __has_include(<lzma.h>)
#include <lzma.h>

struct xz {
    void *library;
    __typeof__(lzma_stream_decoder) *decoder;
    __typeof__(lzma_code) *code;
    __typeof__(lzma_end) *end;
    lzma_stream stream;
};

static int xz_again(struct unpacker *u)
{
    struct xz *x = u->state;
    return x->decoder(&x->stream, UNPACK_MEMORY_MAX, LZMA_TELL_UNSUPPORTED_CHECK) == LZMA_OK
               ? 0
               : -ENOMEM;
}

static int xz_open(struct unpacker *u, struct err *err)
{
    struct xz *x = calloc(1, sizeof(*x));
    u->state = x;
    if (!x)
        return -ENOMEM;
    const struct unpack_symbol symbols[] = {{"lzma_stream_decoder", (void *)&x->decoder},
                                            {"lzma_code", (void *)&x->code},
                                            {"lzma_end", (void *)&x->end},
                                            {0}};
    int r = unpack_library("liblzma.so.5", "xz", symbols, &x->library, err);
    return r < 0 ? r : xz_again(u);
}

static ssize_t xz_read(struct unpacker *u, uint8_t *out, size_t size)
{
    struct xz *x = u->state;
    lzma_stream *s = &x->stream;
    s->next_in = u->in + u->in_at;
    s->avail_in = unpack_left(u);
    s->next_out = out;
    s->avail_out = size;
    lzma_ret r = x->code(s, LZMA_RUN);
    u->in_at = u->in_len - s->avail_in;
    u->inside = r != LZMA_STREAM_END;
    u->pending = r == LZMA_OK && s->avail_out == 0;
    bool fine = r == LZMA_OK || r == LZMA_STREAM_END || r == LZMA_BUF_ERROR;
    int error = r == LZMA_MEMLIMIT_ERROR ? -EFBIG : r == LZMA_MEM_ERROR ? -ENOMEM : -EBADMSG;
    return unpack_gave(u, size - s->avail_out, fine ? 0 : error);
}

static void xz_close(struct unpacker *u)
{
    struct xz *x = u->state;
    if (x && x->library) {
        x->end(&x->stream);
        dlclose(x->library);
    }
    free(x);
}

const struct unpack_ops unpack_xz = {"xz", xz_open, xz_again, xz_read, xz_close};
#else
const struct unpack_ops unpack_xz = {"xz", unpack_absent, NULL, NULL, unpack_nothing};
#endif
