#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#include "base/buf.h"
#include "pipelines/unpack.h"

// Packs the text as `parts` members or frames, one after the other.
static size_t pack(enum unpack_kind kind, const char *text, size_t len, size_t parts, uint8_t *out,
                   size_t size)
{
    size_t n = 0;
    for (size_t i = 0; i < parts; i++) {
        const char *from = text + len * i / parts;
        size_t part = len * (i + 1) / parts - len * i / parts;
        if (kind == UNPACK_ZSTD) {
            n += ZSTD_compress(out + n, size - n, from, part, 1);
            continue;
        }
        z_stream z = {0};
        cr_assert_eq(deflateInit2(&z, 1, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
        z.next_in = (Bytef *)(uintptr_t)from;
        z.avail_in = (uInt)part;
        z.next_out = out + n;
        z.avail_out = (uInt)(size - n);
        cr_assert_eq(deflate(&z, Z_FINISH), Z_STREAM_END);
        n += z.total_out;
        deflateEnd(&z);
    }
    return n;
}

// Unpacks with blocks of this size. Negative errno, or 0 when all of it was there.
static int unpack(enum unpack_kind kind, const uint8_t *data, size_t len, size_t block,
                  struct buf *out)
{
    struct unpacker *u;
    int result = 0;
    cr_assert_eq(unpacker_new(kind, &u), 0);
    while (result == 0) {
        uint8_t plain[777];
        if (unpacker_wants(u)) {
            size_t n = block < len ? block : len;
            if (n == 0)
                break;
            unpacker_feed(u, data, n);
            data += n;
            len -= n;
        }
        ssize_t n = unpacker_read(u, plain, sizeof(plain));
        if (n < 0)
            result = (int)n;
        else
            cr_assert_eq(buf_add(out, plain, (size_t)n), 0);
    }
    if (result == 0 && !unpacker_at_end(u))
        result = -EPIPE;
    unpacker_free(u);
    return result;
}

Test(unpack, what_was_packed_comes_back)
{
    size_t len = 200000;
    char *text = malloc(len);
    uint8_t *packed = malloc(2 * len);
    unsigned seed = 9;
    for (size_t i = 0; i < len; i++)
        text[i] = (char)('a' + rand_r(&seed) % 3);
    for (enum unpack_kind kind = UNPACK_GZIP; kind <= UNPACK_ZSTD; kind++)
        for (size_t parts = 1; parts <= 3; parts++) {
            size_t n = pack(kind, text, len, parts, packed, 2 * len);
            const size_t blocks[] = {1, 100, 65536, 1 << 20};
            cr_assert_eq(unpack_kind_of(packed, n), kind);
            for (size_t i = 0; i < 4; i++) {
                struct buf out = {0};
                cr_assert_eq(unpack(kind, packed, n, blocks[i], &out), 0);
                cr_assert(out.len == len && memcmp(out.data, text, len) == 0, "kind %d", kind);
                buf_done(&out);
            }
            struct buf out = {0};
            cr_expect_lt(unpack(kind, packed, n - 3, 100, &out), 0, "cut off");
            packed[n / 2] ^= 0x55;
            packed[n / 2 + 1] ^= 0x55;
            cr_expect_lt(unpack(kind, packed, n, 1000, &out), 0, "damaged");
            buf_done(&out);
        }
    free(text);
    free(packed);
}

Test(unpack, zeros_behind_gzip_are_padding)
{
    uint8_t packed[200] = {0};
    struct buf out = {0};
    pack(UNPACK_GZIP, "hello", 5, 1, packed, 100);
    cr_expect_eq(unpack(UNPACK_GZIP, packed, sizeof(packed), 7, &out), 0);
    cr_expect(out.len == 5 && memcmp(out.data, "hello", 5) == 0);
    buf_done(&out);
}

Test(unpack, what_is_not_compressed)
{
    cr_expect_eq(unpack_kind_of("", 0), UNPACK_NONE);
    cr_expect_eq(unpack_kind_of("\x1f\x8b", 2), UNPACK_NONE);
    cr_expect_eq(unpack_kind_of("text", 4), UNPACK_NONE);
}
