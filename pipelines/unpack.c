#include "pipelines/unpack.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "pipelines/unpack_kinds.h"

static const struct unpack_ops *const kinds[UNPACK_KIND_COUNT] = {
    [UNPACK_GZIP] = &unpack_gzip,   [UNPACK_ZSTD] = &unpack_zstd, [UNPACK_XZ] = &unpack_xz,
    [UNPACK_BZIP2] = &unpack_bzip2, [UNPACK_LZ4] = &unpack_lz4,
};

static bool begins(const void *data, size_t len, const char *magic, size_t magic_len)
{
    return len >= magic_len && memcmp(data, magic, magic_len) == 0;
}

enum unpack_kind unpack_kind_of(const void *data, size_t len)
{
    if (begins(data, len, "\x1f\x8b\x08", 3))
        return UNPACK_GZIP;
    if (begins(data, len, "\x28\xb5\x2f\xfd", 4))
        return UNPACK_ZSTD;
    if (begins(data, len, "\xfd\x37zXZ\0", 6))
        return UNPACK_XZ;
    if (begins(data, len, "\x04\x22\x4d\x18", 4))
        return UNPACK_LZ4;
    // "BZh9" alone may begin a text; a block or the end of an empty file follows it.
    const char *c = data;
    if (len >= 10 && memcmp(c, "BZh", 3) == 0 && c[3] >= '1' && c[3] <= '9' &&
        (memcmp(c + 4, "1AY&SY", 6) == 0 || memcmp(c + 4, "\x17\x72\x45\x38\x50\x90", 6) == 0))
        return UNPACK_BZIP2;
    return UNPACK_NONE;
}

const char *unpack_name(enum unpack_kind kind)
{
    return kinds[kind]->name;
}

int unpacker_new(enum unpack_kind kind, struct unpacker **ret, struct err *err)
{
    struct unpacker *u = calloc(1, sizeof(*u));
    if (!u)
        return err_sys(err, -ENOMEM, "%s", unpack_name(kind));
    u->ops = kinds[kind];
    int r = u->ops->open(u, err);
    if (r < 0) {
        unpacker_free(u);
        return r == -ELIBACC ? r : err_sys(err, r, "%s", unpack_name(kind));
    }
    *ret = u;
    return 0;
}

struct unpacker *unpacker_free(struct unpacker *u)
{
    if (!u)
        return NULL;
    u->ops->close(u);
    free(u);
    return NULL;
}

void unpacker_feed(struct unpacker *u, const void *data, size_t len)
{
    u->used_before += u->in_at;
    u->in = data;
    u->in_len = len;
    u->in_at = 0;
}

bool unpacker_wants(const struct unpacker *u)
{
    return !unpack_left(u) && !u->pending && !u->error;
}

bool unpacker_at_end(const struct unpacker *u)
{
    return !u->inside;
}

uint64_t unpacker_offset(const struct unpacker *u)
{
    return u->used_before + u->in_at;
}

ssize_t unpacker_read(struct unpacker *u, void *out, size_t size)
{
    if (u->error)
        return u->error;
    if (!u->inside && u->begun) {
        // Zeros that pad the last block of a tape or an archive are not a member.
        while (unpack_left(u) && !u->in[u->in_at])
            u->in_at++;
        if (!unpack_left(u))
            return 0;
        u->error = u->ops->again(u);
        if (u->error)
            return u->error;
    }
    if (unpacker_wants(u))
        return 0;
    u->inside = true;
    u->begun = true;
    return u->ops->read(u, out, size);
}

int unpack_absent(struct unpacker *u, struct err *err)
{
    return err_set(err, -ELIBACC, "it is compressed with %s, and this fanmill was built without it",
                   u->ops->name);
}

void unpack_nothing(struct unpacker *u)
{
    (void)u;
}
