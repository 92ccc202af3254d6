#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "pipelines/unpack.h"

#define LEN 200000

struct packed {
    uint8_t *data;
    size_t len;
};

// What the program of a kind makes of the text, in `parts` members or frames, one after the other.
static struct packed pack(enum unpack_kind kind, const char *text, size_t len, size_t parts)
{
    char in[] = "/tmp/fanmill-unpack-XXXXXX", command[200];
    struct packed packed = {malloc(4 * LEN), 0};
    int fd = mkstemp(in);
    for (size_t i = 0; i < parts; i++) {
        size_t from = len * i / parts, part = len * (i + 1) / parts - from;
        cr_assert_eq(ftruncate(fd, 0), 0);
        cr_assert_eq(pwrite(fd, text + from, part, 0), (ssize_t)part);
        snprintf(command, sizeof(command), "%s -qc <%s", unpack_name(kind), in);
        FILE *pipe = popen(command, "r");
        packed.len += fread(packed.data + packed.len, 1, 4 * LEN - packed.len, pipe);
        cr_assert_eq(pclose(pipe), 0, "%s", command);
    }
    close(fd);
    unlink(in);
    return packed;
}

static char *some_text(void)
{
    char *text = malloc(LEN);
    unsigned seed = 9;
    for (size_t i = 0; i < LEN; i++)
        text[i] = (char)('a' + rand_r(&seed) % 3);
    return text;
}

// Unpacks with blocks of this size. Negative errno, or 0 when all of it was there.
static int unpack(enum unpack_kind kind, const uint8_t *data, size_t len, size_t block,
                  struct buf *out)
{
    struct unpacker *u;
    int result = 0;
    struct err err;
    cr_assert_eq(unpacker_new(kind, &u, &err), 0, "%s", err.text);
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
    char *text = some_text();
    for (enum unpack_kind kind = UNPACK_GZIP; kind < UNPACK_KIND_COUNT; kind++)
        for (size_t parts = 1; parts <= 3; parts++) {
            struct packed p = pack(kind, text, LEN, parts);
            const size_t blocks[] = {1, 100, 65536, 1 << 20};
            cr_assert_eq(unpack_kind_of(p.data, p.len), kind);
            for (size_t i = 0; i < 4; i++) {
                struct buf out = {0};
                cr_assert_eq(unpack(kind, p.data, p.len, blocks[i], &out), 0);
                cr_assert(out.len == LEN && memcmp(out.data, text, LEN) == 0, "kind %d", kind);
                buf_done(&out);
            }
            free(p.data);
        }
    free(text);
}

// As far as the program of the kind gets, and never anything else.
Test(unpack, what_comes_before_the_damage_is_given)
{
    char *text = some_text();
    for (enum unpack_kind kind = UNPACK_GZIP; kind < UNPACK_KIND_COUNT; kind++) {
        struct packed p = pack(kind, text, LEN, 2);
        struct buf out = {0};
        cr_expect_eq(unpack(kind, p.data, p.len - 3, 100, &out), -EPIPE, "cut off");
        cr_expect(out.len >= LEN / 2 && out.len <= LEN && !memcmp(out.data, text, out.len),
                  "kind %d: %zu bytes", kind, out.len);
        buf_clear(&out);
        memcpy(p.data + p.len, "no more members", 15);
        cr_expect_eq(unpack(kind, p.data, p.len + 15, 1000, &out), -EBADMSG, "kind %d", kind);
        cr_expect(out.len == LEN && !memcmp(out.data, text, LEN));
        buf_clear(&out);
        for (size_t i = 0; i < 20; i++)
            p.data[p.len * 3 / 4 + i] ^= 0x55;
        cr_expect_eq(unpack(kind, p.data, p.len, 1000, &out), -EBADMSG, "kind %d", kind);
        cr_expect(out.len >= LEN / 2 && !memcmp(out.data, text, LEN / 2), "kind %d: %zu bytes",
                  kind, out.len);
        buf_done(&out);
        free(p.data);
    }
    free(text);
}

Test(unpack, zeros_behind_a_member_are_padding)
{
    for (enum unpack_kind kind = UNPACK_GZIP; kind < UNPACK_KIND_COUNT; kind++) {
        struct packed p = pack(kind, "hello", 5, 1);
        struct buf out = {0};
        memset(p.data + p.len, 0, 200);
        cr_expect_eq(unpack(kind, p.data, p.len + 200, 7, &out), 0);
        cr_expect(out.len == 5 && memcmp(out.data, "hello", 5) == 0);
        buf_done(&out);
        free(p.data);
    }
}

Test(unpack, what_is_not_compressed)
{
    cr_expect_eq(unpack_kind_of("", 0), UNPACK_NONE);
    cr_expect_eq(unpack_kind_of("\x1f\x8b", 2), UNPACK_NONE);
    cr_expect_eq(unpack_kind_of("text", 4), UNPACK_NONE);
    cr_expect_eq(unpack_kind_of("BZh9 is a word", 14), UNPACK_NONE);
}
