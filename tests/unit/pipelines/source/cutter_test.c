#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "pipelines/frame.h"
#include "pipelines/source/cutter.h"

struct chunks {
    struct cutter cutter;
    struct buf out;
    struct buf lens;
    uint64_t items;
};

static void begin(struct chunks *c, struct cutter_rule rule)
{
    *c = (struct chunks){0};
    cutter_init(&c->cutter, &rule);
}

static void finish(struct chunks *c)
{
    cutter_done(&c->cutter);
    buf_done(&c->out);
    buf_done(&c->lens);
}

static int feed(struct chunks *c, const void *data, size_t len)
{
    return cutter_feed(&c->cutter, data, len, &c->out, &c->lens, &c->items);
}

static int end(struct chunks *c)
{
    return cutter_end(&c->cutter, &c->out, &c->lens, &c->items);
}

static size_t count(const struct chunks *c)
{
    return c->lens.len / sizeof(uint32_t);
}

static uint32_t len_of(const struct chunks *c, size_t i)
{
    uint32_t len;
    memcpy(&len, c->lens.data + i * sizeof(len), sizeof(len));
    return len;
}

static bool holds(const struct chunks *c, size_t chunk, const void *data, size_t len)
{
    size_t at = 0;
    for (size_t i = 0; i < chunk; i++)
        at += len_of(c, i);
    return chunk < count(c) && len_of(c, chunk) == len && memcmp(c->out.data + at, data, len) == 0;
}

#define expect_chunk(c, i, text)                                                                   \
    cr_expect(holds(c, i, text, sizeof(text) - 1), "chunk %zu is not '%s'", (size_t)(i), text)

Test(cutter, data_by_lines)
{
    struct chunks c;
    begin(&c, (struct cutter_rule){.items = 2, .end = '\n'});
    cr_assert_eq(feed(&c, "a\nb", 3), 0);
    cr_assert_eq(count(&c), 0);
    cr_assert_eq(cutter_held(&c.cutter), 3);
    cr_assert_eq(feed(&c, "b\nc\nd\n\nf", 8), 0);
    cr_assert_eq(count(&c), 2);
    cr_assert_eq(end(&c), 0);
    expect_chunk(&c, 0, "a\nbb\n");
    expect_chunk(&c, 1, "c\nd\n");
    expect_chunk(&c, 2, "\nf");
    cr_assert_eq(c.items, 3, "a piece of data counts as one");
    cr_assert_eq(end(&c), 0);
    cr_assert_eq(count(&c), 3, "nothing is left");
    finish(&c);
}

Test(cutter, data_by_bytes_ends_with_a_record)
{
    struct chunks c;
    begin(&c, (struct cutter_rule){.bytes = 4, .end = '\n'});
    cr_assert_eq(feed(&c, "abc\nd\nef\nghijklm", 16), 0);
    cr_assert_eq(feed(&c, "\n", 1), 0);
    expect_chunk(&c, 0, "abc\n");
    expect_chunk(&c, 1, "d\nef\n");
    expect_chunk(&c, 2, "ghijklm\n");
    cr_assert_eq(count(&c), 3);
    cr_assert_eq(end(&c), 0);
    cr_assert_eq(count(&c), 3);
    finish(&c);
}

Test(cutter, data_without_a_rule_is_one_chunk)
{
    struct chunks c;
    begin(&c, (struct cutter_rule){.end = '\n'});
    for (int i = 0; i < 100; i++)
        cr_assert_eq(feed(&c, "ab\n", 3), 0);
    cr_assert_eq(count(&c), 0);
    cr_assert_eq(end(&c), 0);
    cr_assert_eq(count(&c), 1);
    cr_assert_eq(len_of(&c, 0), 300);
    finish(&c);
}

Test(cutter, single_items_are_raw)
{
    struct chunks c;
    begin(&c, (struct cutter_rule){.as_items = true, .items = 1, .end = 0});
    cr_assert_eq(feed(&c, "one\0\0t\nw", 8), 0);
    cr_assert_eq(feed(&c, "o\0last", 6), 0);
    cr_assert_eq(end(&c), 0);
    expect_chunk(&c, 0, "one");
    expect_chunk(&c, 1, "");
    expect_chunk(&c, 2, "t\nwo");
    expect_chunk(&c, 3, "last");
    cr_assert_eq(count(&c), 4);
    cr_assert_eq(c.items, 4);
    cr_assert_eq(c.cutter.items, 4);
    finish(&c);
}

Test(cutter, several_items_are_framed)
{
    struct chunks c;
    begin(&c, (struct cutter_rule){.as_items = true, .items = 2, .end = '\n'});
    cr_assert_eq(feed(&c, "a\nb\nc\n", 6), 0);
    expect_chunk(&c, 0, "\1\0\0\0a\1\0\0\0b");
    cr_assert_eq(count(&c), 1);
    cr_assert_eq(c.items, 2);
    cr_assert_eq(end(&c), 0);
    expect_chunk(&c, 1, "\1\0\0\0c");
    cr_assert_eq(c.items, 3);
    finish(&c);
}

Test(cutter, a_chunk_can_be_given_before_its_time)
{
    struct chunks c;
    begin(&c, (struct cutter_rule){.as_items = true, .items = 9, .end = '\n'});
    cr_assert_eq(cutter_flush(&c.cutter, &c.out, &c.lens, &c.items), 0);
    cr_assert_eq(count(&c), 0);
    cr_assert_eq(feed(&c, "a\nb\nc", 5), 0);
    cr_assert_eq(cutter_flush(&c.cutter, &c.out, &c.lens, &c.items), 0);
    expect_chunk(&c, 0, "\1\0\0\0a\1\0\0\0b");
    cr_assert_eq(cutter_held(&c.cutter), 1, "the begun record stays");
    finish(&c);
    begin(&c, (struct cutter_rule){.bytes = 9, .end = '\n'});
    cr_assert_eq(feed(&c, "a\nb", 3), 0);
    cr_assert_eq(cutter_flush(&c.cutter, &c.out, &c.lens, &c.items), 0);
    cr_assert_eq(count(&c), 0);
    finish(&c);
}

Test(cutter, a_smaller_rule_cuts_what_waits_anew)
{
    struct chunks c;
    begin(&c, (struct cutter_rule){.as_items = true, .items = 9, .end = '\n'});
    cr_assert_eq(feed(&c, "a\nb\nc\nd\ne\nf", 11), 0);
    cutter_set(&c.cutter, &(struct cutter_rule){.as_items = true, .items = 2, .end = '\n'});
    cr_assert_eq(feed(&c, "f\n", 2), 0);
    cr_assert_eq(count(&c), 3);
    expect_chunk(&c, 2, "\1\0\0\0e\2\0\0\0ff");
    finish(&c);

    begin(&c, (struct cutter_rule){.as_items = true, .items = 9, .end = '\n'});
    cr_assert_eq(feed(&c, "a\nb\nc", 5), 0);
    cutter_set(&c.cutter, &(struct cutter_rule){.as_items = true, .items = 1, .end = '\n'});
    cr_assert_eq(end(&c), 0);
    cr_assert_eq(count(&c), 3);
    expect_chunk(&c, 0, "a");
    expect_chunk(&c, 2, "c");
    cr_assert_eq(c.items, 3);
    finish(&c);
}

Test(cutter, limits_are_kept)
{
    char *large = malloc(FRAME_ITEM_MAX + 1);
    memset(large, 'x', FRAME_ITEM_MAX + 1);
    struct chunks c;
    begin(&c, (struct cutter_rule){.as_items = true, .items = 1, .end = '\n'});
    cr_assert_eq(feed(&c, large, FRAME_ITEM_MAX), 0);
    cr_assert_eq(feed(&c, "\n", 1), 0);
    cr_assert_eq(count(&c), 1, "as long as an item may be");
    cr_assert_eq(feed(&c, large, FRAME_ITEM_MAX), 0);
    cr_assert_eq(feed(&c, "x", 1), -EMSGSIZE);
    finish(&c);
    begin(&c, (struct cutter_rule){.as_items = true, .items = 100, .end = '\n'});
    large[FRAME_ITEM_MAX] = '\n';
    int r = 0;
    size_t fed = 0;
    for (; fed <= CUTTER_CHUNK_MAX && r == 0; fed += FRAME_ITEM_MAX)
        r = feed(&c, large, FRAME_ITEM_MAX + 1);
    cr_assert_eq(r, -EMSGSIZE, "a chunk of sixteen");
    cr_assert_eq(fed, CUTTER_CHUNK_MAX);
    finish(&c);
    begin(&c, (struct cutter_rule){.as_items = true, .items = 1, .end = '\n'});
    buf_init(&c.out, 3);
    cr_assert_eq(feed(&c, "four\n", 5), -ENOBUFS);
    finish(&c);
    free(large);
}

// What has no room in a chunk that is cut by size begins the next, however its records end.
Test(cutter, a_chunk_ends_before_the_record_that_has_no_room)
{
    const size_t size = 16u << 20;
    const struct separator_rule by_start = {.start = ">", .start_len = 1};
    char *block = malloc(size);
    memset(block, 'x', size);
    for (int separated = 0; separated < 2; separated++) {
        struct chunks c;
        begin(&c, (struct cutter_rule){.bytes = CUTTER_CHUNK_MAX,
                                       .end = '\n',
                                       .separator = separated ? &by_start : NULL});
        block[separated ? 0 : size - 1] = separated ? '>' : '\n';
        for (size_t fed = 0; fed < CUTTER_CHUNK_MAX - size; fed += size)
            cr_assert_eq(feed(&c, block, size), 0);
        block[separated ? 0 : size - 1] = 'x';
        cr_assert_eq(feed(&c, separated ? ">" : "x", 1), 0);
        cr_assert_eq(feed(&c, block, size), 0);
        cr_assert_eq(count(&c), 1);
        cr_assert_eq(c.out.len, CUTTER_CHUNK_MAX - size);
        cr_assert_eq(end(&c), 0);
        cr_assert_eq(count(&c), 2);
        cr_assert_eq(c.out.len, CUTTER_CHUNK_MAX + 1);
        finish(&c);
        begin(&c, (struct cutter_rule){
                      .items = 1, .end = '\n', .separator = separated ? &by_start : NULL});
        int r = 0;
        for (size_t fed = 0; fed <= CUTTER_CHUNK_MAX && r == 0; fed += size)
            r = feed(&c, block, size);
        cr_assert_eq(r, -EMSGSIZE, "a record that is too long");
        finish(&c);
    }
    free(block);
}

// Cutting by any rule, fed in any pieces, and joining gives the input; each chunk has its shape.
Test(cutter, random_rules_join_to_the_input)
{
    unsigned seed = 7;
    for (int round = 0; round < 2000; round++) {
        size_t size = (size_t)rand_r(&seed) % 600;
        unsigned rare = (unsigned)rand_r(&seed) % 30 + 1;
        char *text = malloc(size + 1);
        for (size_t i = 0; i < size; i++)
            text[i] = (unsigned)rand_r(&seed) % rare ? (char)('a' + i % 26) : '\n';
        struct cutter_rule rule = {.as_items = rand_r(&seed) % 2, .end = '\n'};
        rule.items = (uint64_t)(rand_r(&seed) % 5);
        if (rule.as_items && rule.items == 0)
            rule.items = 1;
        if (!rule.as_items && rand_r(&seed) % 2)
            rule.bytes = (uint64_t)(rand_r(&seed) % 80);
        bool framed = rule.as_items && rule.items > 1;
        struct chunks c;
        begin(&c, rule);
        for (size_t at = 0; at < size;) {
            size_t n = (size_t)rand_r(&seed) % 50;
            n = n < size - at ? n : size - at;
            cr_assert_eq(feed(&c, text + at, n), 0);
            at += n;
        }
        cr_assert_eq(end(&c), 0);

        struct buf joined = {0};
        size_t at = 0;
        uint64_t items = 0;
        for (size_t i = 0; i < count(&c); i++) {
            const uint8_t *data = c.out.data + at;
            uint32_t len = len_of(&c, i);
            bool last = i + 1 == count(&c);
            at += len;
            if (!rule.as_items) {
                uint64_t records = 0;
                for (uint32_t k = 0; k < len; k++)
                    records += data[k] == '\n';
                bool full =
                    (rule.items && records == rule.items) || (rule.bytes && len >= rule.bytes);
                cr_assert(last || (full && data[len - 1] == '\n'), "round %d", round);
                cr_assert(rule.items == 0 || records <= rule.items);
                items++;
                cr_assert_eq(buf_add(&joined, data, len), 0);
            } else if (!framed) {
                items++;
                cr_assert_eq(buf_add(&joined, data, len), 0);
                cr_assert_eq(buf_add(&joined, "\n", 1), 0);
            } else {
                struct frame_reader r;
                const uint8_t *item;
                size_t item_len;
                uint64_t n = 0;
                int more;
                frame_reader_init(&r, data, len);
                while ((more = frame_next(&r, &item, &item_len)) == 1) {
                    n++;
                    cr_assert_eq(buf_add(&joined, item, item_len), 0);
                    cr_assert_eq(buf_add(&joined, "\n", 1), 0);
                }
                cr_assert_eq(more, 0);
                cr_assert(n == rule.items || (last && n && n < rule.items));
                items += n;
            }
        }
        cr_assert_eq(at, c.out.len);
        cr_assert_eq(items, c.items);
        size_t want = size;
        if (rule.as_items && size && text[size - 1] != '\n')
            text[want++] = '\n'; // an item has lost the end that it did not have
        cr_assert_eq(joined.len, want, "round %d", round);
        cr_assert(want == 0 || memcmp(joined.data, text, want) == 0);
        buf_done(&joined);
        finish(&c);
        free(text);
    }
}
