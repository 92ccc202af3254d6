#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>

#include "pipelines/unpack_kinds.h"

#if __has_include(<lz4frame.h>)
#include <lz4frame.h>

struct lz4 {
    void *library;
    __typeof__(LZ4F_createDecompressionContext) *create;
    __typeof__(LZ4F_freeDecompressionContext) *release;
    __typeof__(LZ4F_resetDecompressionContext) *reset;
    __typeof__(LZ4F_decompress) *step;
    __typeof__(LZ4F_isError) *failed;
    LZ4F_dctx *context;
    size_t next; // bytes that the next step takes
};
#define HEAD_BYTES 7u // of a frame, the least

static int lz4_open(struct unpacker *u, struct err *err)
{
    struct lz4 *l = calloc(1, sizeof(*l));
    u->state = l;
    if (!l)
        return -ENOMEM;
    const struct unpack_symbol symbols[] = {{"LZ4F_createDecompressionContext", (void *)&l->create},
                                            {"LZ4F_freeDecompressionContext", (void *)&l->release},
                                            {"LZ4F_resetDecompressionContext", (void *)&l->reset},
                                            {"LZ4F_decompress", (void *)&l->step},
                                            {"LZ4F_isError", (void *)&l->failed},
                                            {0}};
    int r = unpack_library("liblz4.so.1", "lz4", symbols, &l->library, err);
    if (r < 0)
        return r;
    l->next = HEAD_BYTES;
    return l->failed(l->create(&l->context, LZ4F_VERSION)) ? -ENOMEM : 0;
}

static int lz4_again(struct unpacker *u)
{
    struct lz4 *l = u->state;
    l->reset(l->context);
    l->next = HEAD_BYTES;
    return 0;
}

static ssize_t lz4_read(struct unpacker *u, uint8_t *out, size_t size)
{
    struct lz4 *l = u->state;
    size_t given = 0;
    do {
        // A step at a time: with an error, all that a call would have given is lost.
        size_t used = unpack_left(u) < l->next ? unpack_left(u) : l->next, room = size - given;
        size_t r = l->step(l->context, out + given, &room, u->in + u->in_at, &used, NULL);
        if (l->failed(r))
            return unpack_gave(u, given, -EBADMSG);
        u->in_at += used;
        given += room;
        u->inside = r != 0;
        u->pending = given == size;
        l->next = r;
    } while (u->inside && given < size && unpack_left(u));
    return (ssize_t)given;
}

static void lz4_close(struct unpacker *u)
{
    struct lz4 *l = u->state;
    if (l && l->context)
        l->release(l->context);
    if (l && l->library)
        dlclose(l->library);
    free(l);
}

const struct unpack_ops unpack_lz4 = {"lz4", lz4_open, lz4_again, lz4_read, lz4_close};
#else
const struct unpack_ops unpack_lz4 = {"lz4", unpack_absent, NULL, NULL, unpack_nothing};
#endif
