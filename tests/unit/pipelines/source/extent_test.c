#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "pipelines/plan.h"
#include "pipelines/source/extent.h"
#include "tests/unit/pipelines/folder.h"

static const struct separator_rule lines = {.end = "\n", .end_len = 1};

static struct extent extent_of(const char *path, uint64_t offset, uint64_t length, bool aligned)
{
    return (struct extent){.path = path,
                           .path_len = strlen(path),
                           .offset = offset,
                           .length = length,
                           .aligned = aligned};
}

static int read_one(const struct folder *f, struct extent e, struct buf *out, struct err *err)
{
    buf_clear(out);
    return extent_read(&e, &lines, f->path, out, err);
}

#define expect_text(out, text)                                                                     \
    cr_expect((out)->len == strlen(text) && memcmp((out)->data, text, (out)->len) == 0,            \
              "got '%.*s', not '%s'", (int)(out)->len, (const char *)(out)->data, text)

Test(extent, the_encoded_form_comes_back)
{
    struct buf b = {0};
    struct extent e = {"dir/a b\xff.txt", 12, 1ull << 40, EXTENT_BYTES_MAX, true, 3, 0, 0, 0}, back;
    cr_assert_eq(extent_put(&b, &e), 0);
    cr_assert_eq(extent_get(b.data, b.len, &back), 0);
    cr_assert(back.path_len == e.path_len && memcmp(back.path, e.path, e.path_len) == 0);
    cr_assert(back.offset == e.offset && back.length == e.length);
    cr_assert(back.aligned && back.header_bytes == 3);
    cr_assert_eq(buf_add(&b, "x", 1), 0);
    cr_assert_eq(extent_get(b.data, b.len, &back), -EPROTO, "bytes after the end");
    for (size_t cut = 0; cut < b.len - 1; cut++) {
        uint8_t *copy = malloc(cut ? cut : 1);
        memcpy(copy, b.data, cut);
        cr_expect_eq(extent_get(copy, cut, &back), -EPROTO);
        free(copy);
    }
    buf_done(&b);
}

Test(extent, a_peers_values_are_bounded)
{
    char *path = malloc(EXTENT_PATH_MAX + 1);
    memset(path, 'a', EXTENT_PATH_MAX + 1);
    const struct extent bad[] = {
        {path, 0, 0, 1, true, 0, 0, 0, 0},
        {path, EXTENT_PATH_MAX + 1, 0, 1, true, 0, 0, 0, 0},
        {"a\0b", 3, 0, 1, true, 0, 0, 0, 0},
        {"a", 1, 0, EXTENT_BYTES_MAX + 1, true, 0, 0, 0, 0},
        {"a", 1, UINT64_MAX, 1, true, 0, 0, 0, 0},
        {"a", 1, INT64_MAX, 1, true, 0, 0, 0, 0},
    };
    struct buf b = {0};
    struct extent back;
    struct err err;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        buf_clear(&b);
        cr_assert_eq(extent_put(&b, &bad[i]), 0);
        cr_expect_eq(extent_get(b.data, b.len, &back), -EPROTO, "extent %zu", i);
        cr_expect_eq(extent_read(&bad[i], &lines, "/", &b, &err), -EPROTO, "extent %zu", i);
    }
    buf_done(&b);
    buf_init(&b, 8);
    struct extent good = extent_of("a long enough path", 0, 1, true);
    cr_assert_eq(extent_put(&b, &good), -ENOBUFS);
    buf_done(&b);
    free(path);
}

Test(extent, records_that_begin_inside_are_read_whole)
{
    struct folder f;
    folder_make(&f);
    folder_file(&f, "a", "one\ntwo\nthree\n\nlast", 19);
    struct buf out = {0};
    struct err err;
    const struct {
        uint64_t offset, length;
        const char *text;
    } cases[] = {
        {0, 1, "one\n"},
        {0, 4, "one\n"},
        {0, 5, "one\ntwo\n"},
        {1, 3, ""},
        {1, 4, "two\n"},
        {3, 1, ""}, // the byte before is inside a record, which ends here
        {4, 1, "two\n"},
        {4, 10, "two\nthree\n"},
        {13, 1, ""},
        {14, 1, "\n"},
        {15, 1, "last"},
        {16, 3, ""},
        {0, 19, "one\ntwo\nthree\n\nlast"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        cr_expect_eq(
            read_one(&f, extent_of("a", cases[i].offset, cases[i].length, true), &out, &err),
            *cases[i].text ? 0 : EXTENT_NO_RECORD);
        expect_text(&out, cases[i].text);
    }
    cr_expect_eq(read_one(&f, extent_of("a", 2, 5, false), &out, &err), 0);
    expect_text(&out, "e\ntwo");
    cr_expect_eq(
        extent_read(&(struct extent){"a", 1, 0, 3, false, 0, 0, 0, 0}, &lines, f.path, &out, &err),
        0);
    expect_text(&out, "e\ntwoone");
    buf_done(&out);
    folder_remove(&f);
}

// Any cutting of a file by arithmetic holds each record exactly once, in order.
Test(extent, random_cuts_join_to_the_file)
{
    struct folder f;
    folder_make(&f);
    unsigned seed = 20;
    struct buf out = {0};
    struct err err;
    for (int round = 0; round < 300; round++) {
        size_t size = (size_t)rand_r(&seed) % (round % 10 ? 300 : 300000) + 1;
        unsigned rare = round % 7 == 0 ? 100000 : (unsigned)rand_r(&seed) % 40 + 1;
        char *text = malloc(size);
        for (size_t i = 0; i < size; i++)
            text[i] = (unsigned)rand_r(&seed) % rare ? (char)('a' + i % 26) : '\n';
        folder_file(&f, "a", text, size);
        buf_clear(&out);
        for (uint64_t at = 0; at < size;) {
            uint64_t length = (uint64_t)rand_r(&seed) % (size / 3 + 3) + 1;
            if (length > size - at)
                length = size - at;
            struct extent e = extent_of("a", at, length, true);
            size_t before = out.len;
            cr_assert_geq(extent_read(&e, &lines, f.path, &out, &err), 0, "%s", err.text);
            if (out.len > before && before)
                cr_assert_eq(out.data[before - 1], '\n', "a cut inside a record");
            at += length;
        }
        cr_assert_eq(out.len, size, "round %d: %zu of %zu", round, out.len, size);
        cr_assert_eq(memcmp(out.data, text, size), 0);
        free(text);
    }
    buf_done(&out);
    folder_remove(&f);
}

Test(extent, each_failure_names_the_file)
{
    struct folder f;
    folder_make(&f);
    folder_file(&f, "short", "one\ntwo\n", 8);
    folder_file(&f, "secret", "x", 1);
    cr_assert_eq(mkdirat(f.fd, "dir", 0700), 0);
    cr_assert_eq(mkfifoat(f.fd, "pipe", 0600), 0);
    cr_assert_eq(fchmodat(f.fd, "secret", 0, 0), 0);
    struct buf out = {0};
    struct err err;
    cr_assert_eq(buf_add(&out, "kept", 4), 0);
    const struct {
        const char *path;
        uint64_t offset, length;
        int code;
        const char *words;
    } cases[] = {
        {"gone", 0, 1, -ENOENT, "'gone': No such file or directory"},
        {"dir", 0, 1, -EISDIR, "'dir': Is a directory"},
        {"pipe", 0, 1, -EINVAL, "'pipe' is not a file"},
        {"short", 9, 4, -ESTALE, "'short' became shorter than 13 bytes"},
        {"short", 4, 5, -ESTALE, "'short' became shorter than 9 bytes"},
        {"short/x", 0, 1, -ENOTDIR, "'short/x': Not a directory"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct extent e = extent_of(cases[i].path, cases[i].offset, cases[i].length, true);
        cr_expect_eq(extent_read(&e, &lines, f.path, &out, &err), cases[i].code, "%s",
                     cases[i].path);
        cr_expect(strstr(err.text, cases[i].words), "%s", err.text);
        cr_expect_eq(out.len, 4);
    }
    if (geteuid() != 0) {
        struct extent e = extent_of("secret", 0, 1, true);
        cr_expect_eq(extent_read(&e, &lines, f.path, &out, &err), -EACCES);
    }
    struct extent e = extent_of("short", 0, 1, true);
    cr_expect_eq(extent_read(&e, &lines, "/no/such/folder", &out, &err), -ENOENT);
    cr_expect(strstr(err.text, "/no/such/folder"));
    out.max = 6;
    cr_expect_eq(extent_read(&e, &lines, f.path, &out, &err), -EFBIG, "the record is longer");
    cr_expect(strstr(err.text, "'short'"), "%s", err.text);
    buf_done(&out);
    folder_remove(&f);
}

Test(extent, an_absolute_path_needs_no_directory)
{
    struct folder f;
    folder_make(&f);
    folder_file(&f, "a", "text", 4);
    char path[sizeof(f.path) + 2];
    snprintf(path, sizeof(path), "%s/a", f.path);
    struct buf out = {0};
    struct err err;
    struct extent e = extent_of(path, 0, 4, true);
    cr_assert_eq(extent_read(&e, &lines, "/", &out, &err), 0);
    expect_text(&out, "text");
    e.length = 0;
    cr_assert_eq(extent_read(&e, &lines, "/", &out, &err), EXTENT_NO_RECORD);
    expect_text(&out, "text");
    buf_done(&out);
    folder_remove(&f);
}

// What a source puts into an extent of the file.
static struct extent seen_as_it_is(const struct folder *f, const char *name)
{
    struct stat st;
    struct extent e = extent_of(name, 0, 4, false);
    int fd = openat(f->fd, name, O_RDONLY | O_CLOEXEC);
    cr_assert(fd >= 0 && fstat(fd, &st) == 0);
    e.file_size = (uint64_t)st.st_size;
    e.mtime_ns = extent_mtime_ns(&st);
    cr_assert_eq(extent_fingerprint(fd, e.file_size, &e.fingerprint), 0);
    close(fd);
    return e;
}

static void change(const struct folder *f, const char *name, off_t at)
{
    struct stat st;
    int fd = openat(f->fd, name, O_WRONLY | O_CLOEXEC);
    cr_assert(fd >= 0 && fstat(fd, &st) == 0 && pwrite(fd, "X", 1, at) == 1);
    const struct timespec as_before[] = {st.st_mtim, st.st_mtim};
    cr_assert_eq(futimens(fd, as_before), 0);
    close(fd);
}

Test(extent, another_file_of_the_same_size_and_time_is_noticed)
{
    const off_t ends[] = {0, 4095, 20000 - 4096, 19999};
    char *bytes = calloc(1, 20000);
    struct folder f;
    struct err err;
    folder_make(&f);
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        struct extent_seen seen = {0}, none = {0};
        folder_file(&f, "a", bytes, 20000);
        struct extent e = seen_as_it_is(&f, "a");
        cr_expect_eq(extent_check(&e, f.path, &seen, &err), 0);
        cr_expect_eq(extent_check(&e, f.path, &seen, &err), 0);
        change(&f, "a", ends[i]);
        cr_expect_eq(extent_check(&e, f.path, &none, &err), -ESTALE, "byte %lld",
                     (long long)ends[i]);
    }
    // A short file, and an empty one.
    struct extent_seen seen = {0};
    folder_file(&f, "b", "text", 4);
    struct extent e = seen_as_it_is(&f, "b");
    cr_expect_eq(extent_check(&e, f.path, &seen, &err), 0);
    folder_file(&f, "c", "", 0);
    e = seen_as_it_is(&f, "c");
    cr_expect_eq(extent_check(&e, f.path, &seen, &err), 0);
    e.fingerprint = 0;
    e.path = "nowhere";
    e.path_len = 7;
    cr_expect_eq(extent_check(&e, f.path, &seen, &err), 0, "not known: nothing to compare");
    free(bytes);
    folder_remove(&f);
}
