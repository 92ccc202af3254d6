#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "pipelines/input/separator.h"
#include "pipelines/source/cutter.h"
#include "pipelines/source/extent.h"
#include "tests/unit/pipelines/folder.h"

static struct separator_rule rule_of(const char *end, const char *start)
{
    struct separator_rule rule = {.end_len = (uint8_t)strlen(end),
                                  .start_len = (uint8_t)strlen(start)};
    memcpy(rule.end, end, rule.end_len);
    memcpy(rule.start, start, rule.start_len);
    return rule;
}

Test(record, where_one_begins)
{
    struct separator mark;
    struct separator_rule fasta = rule_of("\n", ">");
    separator_init(&fasta, &mark);
    const char *text = ">a b>c\nAC\n>d\n>";
    size_t len = strlen(text);
    cr_expect_eq(separator_find(&mark, text, len, 0), 10);
    cr_expect_eq(separator_find(&mark, text, len, 10), 10);
    cr_expect_eq(separator_find(&mark, text, len, 11), 13);
    cr_expect_eq(separator_find(&mark, text, len, 14), SEPARATOR_NONE);
    cr_expect_eq(separator_find(&mark, text, 13, 11), SEPARATOR_NONE, "the start is not there yet");
    struct separator_rule any = rule_of("", "");
    separator_init(&any, &mark);
    cr_expect_eq(separator_find(&mark, text, len, 5), 5);
    cr_expect_eq(separator_find(&mark, text, len, len + 1), SEPARATOR_NONE);
}

static void expect_strip(const char *end, const char *start, const char *text, const char *expected)
{
    struct separator_rule rule = rule_of(end, start);
    rule.drops_end = true;
    char *copy = strdup(text);
    size_t len = separator_strip(&rule, copy, strlen(text));
    cr_expect(len == strlen(expected) && memcmp(copy, expected, len) == 0, "'%.*s' not '%s'",
              (int)len, copy, expected);
    free(copy);
}

Test(record, ends_are_taken_out)
{
    expect_strip("\n", "", "a\nb\n\nc", "abc");
    expect_strip("\r\n", "", "a\r\n\rb\r\n", "a\rb");
    expect_strip("\n", ">", ">a\nA\n>b\nB\n", ">a\nA>b\nB");
    expect_strip("aa", "", "aaaab", "b");
}

Test(record, header_lines)
{
    struct separator_rule rule = {.header_lines = 2};
    cr_expect_eq(separator_header(&rule, "a\nb\nc", 5), 4);
    cr_expect_eq(separator_header(&rule, "a\nb", 3), SEPARATOR_NONE);
    rule.header_lines = 0;
    cr_expect_eq(separator_header(&rule, "", 0), 0);
}

static const struct {
    const char *end, *start;
} marks[] = {{"\n", ""},  {"\r\n", ""}, {"\n\n", ""},  {"\n", ">"},  {"", ">"},
             {"END", ""}, {"b", "a"},   {"aba", "ab"}, {"", "a\na"}, {"\n", "\n"}};
#define N_MARKS (sizeof(marks) / sizeof(marks[0]))

static char *random_text(unsigned *seed, size_t size, const char *header)
{
    static const char letters[] = "ab\n>\rEND";
    char *text = malloc(size + strlen(header) + 1);
    size_t at = strlen(header);
    memcpy(text, header, at);
    for (size_t i = 0; i < size; i++)
        text[at + i] = letters[(size_t)rand_r(seed) % (sizeof(letters) - 1)];
    text[at + size] = '\0';
    return text;
}

// Pieces by arithmetic, read one by one, are the file: nothing is lost or read twice, each begins
// where a record may begin, and each begins with the header.
Test(record, pieces_of_any_cutting_join)
{
    struct folder f;
    struct err err;
    unsigned seed = 11;
    folder_make(&f);
    for (int round = 0; round < 2000; round++) {
        struct separator_rule rule =
            rule_of(marks[(size_t)round % N_MARKS].end, marks[(size_t)round % N_MARKS].start);
        const char *header = round % 3 ? "" : "h1\nh2\n";
        size_t size = 1 + (size_t)rand_r(&seed) % 60;
        char *text = random_text(&seed, size, header);
        struct buf joined = {0}, piece = {0};
        struct separator mark;
        folder_file(&f, "x", text, strlen(text));
        separator_init(&rule, &mark);
        for (uint64_t at = 0; at < size;) {
            uint64_t length = 1 + (uint64_t)rand_r(&seed) % 20;
            length = length < size - at ? length : size - at;
            struct extent e = {.path = "x",
                               .path_len = 1,
                               .offset = strlen(header) + at,
                               .length = length,
                               .aligned = true,
                               .header_bytes = strlen(header)};
            buf_clear(&piece);
            cr_assert_geq(extent_read(&e, &rule, f.path, &piece, &err), 0, "%s", err.text);
            at += length;
            if (!piece.len)
                continue;
            size_t skip = strlen(header);
            cr_assert(piece.len > skip && memcmp(piece.data, header, skip) == 0);
            const char *data = text + skip;
            if (joined.len)
                cr_assert_eq(separator_find(&mark, data, size, joined.len), joined.len, "round %d",
                             round);
            cr_assert_eq(buf_add(&joined, piece.data + skip, piece.len - skip), 0);
        }
        cr_assert(joined.len == size && memcmp(joined.data, text + strlen(header), size) == 0,
                  "round %d: %zu of %zu", round, joined.len, size);
        free(text);
        buf_done(&joined);
        buf_done(&piece);
    }
    folder_remove(&f);
}

// Records counted in a stream, in blocks of any size: as many as a plain loop finds.
Test(record, streams_of_any_cutting_count_alike)
{
    unsigned seed = 5;
    for (int round = 0; round < 2000; round++) {
        struct separator_rule rule =
            rule_of(marks[(size_t)round % N_MARKS].end, marks[(size_t)round % N_MARKS].start);
        struct separator mark;
        separator_init(&rule, &mark);
        size_t size = 1 + (size_t)rand_r(&seed) % 80, records = 1 + (size_t)rand_r(&seed) % 3;
        char *text = random_text(&seed, size, "");
        struct cutter c;
        struct buf out = {0}, lens = {0};
        uint64_t items = 0;
        cutter_init(&c, &(struct cutter_rule){.items = records,
                                              .separator = &rule,
                                              .header = (const uint8_t *)"H",
                                              .header_len = 1});
        for (size_t at = 0; at < size;) {
            size_t n = 1 + (size_t)rand_r(&seed) % 30;
            n = n < size - at ? n : size - at;
            cr_assert_eq(cutter_feed(&c, text + at, n, &out, &lens, &items), 0);
            at += n;
        }
        cr_assert_eq(cutter_end(&c, &out, &lens, &items), 0);
        size_t begin = 0, chunk = 0, out_at = 0;
        while (begin < size) {
            size_t end = begin;
            for (size_t i = 0; i < records && end < size; i++) {
                size_t found = separator_find(&mark, text, size, separator_after(&mark, end));
                end = found == SEPARATOR_NONE || found == size ? size : found;
            }
            uint32_t len;
            cr_assert_lt(chunk * sizeof(len), lens.len, "round %d", round);
            memcpy(&len, lens.data + chunk++ * sizeof(len), sizeof(len));
            cr_assert_eq(len, 1 + end - begin, "round %d chunk %zu", round, chunk);
            cr_assert_eq(out.data[out_at], 'H');
            cr_assert_eq(memcmp(out.data + out_at + 1, text + begin, end - begin), 0);
            out_at += len;
            begin = end;
        }
        cr_assert_eq(chunk * sizeof(uint32_t), lens.len, "round %d", round);
        cr_assert_eq(items, chunk);
        free(text);
        cutter_done(&c);
        buf_done(&out);
        buf_done(&lens);
    }
}

Test(record, ends_are_dropped_in_streams_and_files_alike)
{
    struct folder f;
    struct err err;
    struct separator_rule rule = rule_of("\r\n", "");
    const char *text = "one\r\ntwo\r\nthree";
    struct buf out = {0}, lens = {0};
    uint64_t items = 0;
    struct cutter c;
    rule.drops_end = true;
    folder_make(&f);
    folder_file(&f, "x", text, strlen(text));
    struct extent e = {.path = "x", .path_len = 1, .length = strlen(text), .aligned = true};
    cr_assert_eq(extent_read(&e, &rule, f.path, &out, &err), 0);
    cr_expect(out.len == 11 && memcmp(out.data, "onetwothree", 11) == 0);
    buf_clear(&out);
    cutter_init(&c, &(struct cutter_rule){.items = 2, .separator = &rule});
    cr_assert_eq(cutter_feed(&c, text, strlen(text), &out, &lens, &items), 0);
    cr_assert_eq(cutter_end(&c, &out, &lens, &items), 0);
    cr_expect(out.len == 11 && memcmp(out.data, "onetwothree", 11) == 0);
    cr_expect_eq(items, 2);
    cutter_done(&c);
    buf_done(&out);
    buf_done(&lens);
    folder_remove(&f);
}
