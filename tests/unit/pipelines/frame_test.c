#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "pipelines/frame.h"

Test(frame, items_of_any_bytes_come_back)
{
    struct buf list = {0};
    cr_assert_eq(frame_add(&list, "one", 3), 0);
    cr_assert_eq(frame_add(&list, "", 0), 0);
    cr_assert_eq(frame_add(&list, "a\0b\n", 4), 0);
    cr_assert_eq(list.len, 3 * FRAME_HEAD_BYTES + 7);
    cr_assert_eq(memcmp(list.data, "\3\0\0\0one", 7), 0, "little-endian on every machine");

    struct frame_reader r;
    frame_reader_init(&r, list.data, list.len);
    const uint8_t *item;
    size_t len;
    cr_assert_eq(frame_next(&r, &item, &len), 1);
    cr_assert(len == 3 && memcmp(item, "one", 3) == 0);
    cr_assert_eq(frame_next(&r, &item, &len), 1);
    cr_assert_eq(len, 0);
    cr_assert_eq(frame_next(&r, &item, &len), 1);
    cr_assert(len == 4 && memcmp(item, "a\0b\n", 4) == 0);
    cr_assert_eq(frame_next(&r, &item, &len), 0);
    cr_assert_eq(frame_next(&r, &item, &len), 0);
    buf_done(&list);
}

Test(frame, an_empty_list_has_no_items)
{
    struct frame_reader r;
    const uint8_t *item;
    size_t len;
    frame_reader_init(&r, NULL, 0);
    cr_assert_eq(frame_next(&r, &item, &len), 0);
}

Test(frame, broken_lists_are_refused)
{
    const struct {
        const char *bytes;
        size_t len;
    } broken[] = {
        {"\1", 1}, {"\1\0\0", 3}, {"\1\0\0\0", 4}, {"\4\0\0\0abc", 7}, {"\xff\xff\xff\xff", 4},
    };
    for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
        uint8_t *copy = malloc(broken[i].len); // exactly as large: ASan sees a byte too far
        memcpy(copy, broken[i].bytes, broken[i].len);
        struct frame_reader r;
        const uint8_t *item = NULL;
        size_t len = 99;
        frame_reader_init(&r, copy, broken[i].len);
        cr_expect_eq(frame_next(&r, &item, &len), -EPROTO, "list %zu", i);
        cr_expect(item == NULL && len == 99, "outputs stay untouched");
        free(copy);
    }
}

Test(frame, limits_are_kept)
{
    uint8_t *large = calloc(1, FRAME_ITEM_MAX + 1);
    struct buf list = {0};
    cr_assert_eq(frame_add(&list, large, FRAME_ITEM_MAX + 1), -EMSGSIZE);
    cr_assert_eq(list.len, 0);
    cr_assert_eq(frame_add(&list, large, FRAME_ITEM_MAX), 0);
    struct frame_reader r;
    const uint8_t *item;
    size_t len;
    frame_reader_init(&r, list.data, list.len);
    cr_assert_eq(frame_next(&r, &item, &len), 1);
    cr_assert_eq(len, FRAME_ITEM_MAX);
    list.data[3] = 1;
    list.data[0] = 1; // one more than the limit, with enough bytes after it
    cr_assert_eq(buf_add(&list, "xx", 2), 0);
    frame_reader_init(&r, list.data, list.len);
    cr_assert_eq(frame_next(&r, &item, &len), -EPROTO);
    buf_done(&list);
    buf_init(&list, 5);
    cr_assert_eq(frame_add(&list, "ab", 2), -ENOBUFS);
    cr_assert_eq(list.len, 0);
    buf_done(&list);
    free(large);
}
