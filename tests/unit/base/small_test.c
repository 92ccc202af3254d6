// The small things everything stands on: buffers, slices, heaps, numbers, errors.
#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/grow.h"
#include "base/heap.h"
#include "base/parse.h"
#include "base/slice.h"

Test(buf, grows_to_its_maximum_and_not_beyond)
{
    struct buf b;
    buf_init(&b, 10);
    cr_expect_eq(buf_add(&b, "0123456789", 10), 0);
    cr_expect_eq(buf_add(&b, "x", 1), -ENOBUFS);
    cr_expect_eq(b.len, 10, "nothing is appended on failure");
    buf_consume(&b, 4);
    cr_expect_arr_eq(b.data, "456789", 6);
    cr_expect_eq(buf_add_str(&b, "abcd"), 0);
    cr_expect_eq(buf_printf(&b, "%d", 5), -ENOBUFS);
    cr_expect_eq(b.len, 10);
    cr_expect_eq(buf_reserve(&b, SIZE_MAX), -ENOBUFS);
    buf_clear(&b);
    cr_expect_eq(buf_printf(&b, "%s-%d", "a", 12345), 0);
    cr_expect_arr_eq(b.data, "a-12345", 7);
    buf_done(&b);
    cr_expect_eq(buf_add(&b, "again", 5), 0, "usable after it was freed");
    buf_done(&b);
}

Test(buf, nothing_may_be_added_from_nowhere)
{
    struct buf b = {0};
    cr_expect_eq(buf_add(&b, NULL, 0), 0);
    cr_expect_eq(b.len, 0);
    buf_done(&b);
}

static int destroyed;

static void destroy(struct slab *slab)
{
    destroyed++;
    free(slab);
}

Test(slice, the_last_owner_frees)
{
    static uint8_t bytes[4] = "abc";
    struct slab *slab = calloc(1, sizeof(*slab));
    *slab = (struct slab){.refs = 1, .destroy = destroy, .data = bytes, .len = 3};
    struct slice one = slice_of(slab, 1, 2), two = slice_ref(&one);
    cr_expect_null(slab_unref(slab));
    cr_expect_eq(destroyed, 0);
    slice_drop(&one);
    slice_drop(&one);
    cr_expect_eq(destroyed, 0, "dropping twice is dropping once");
    cr_expect_arr_eq(two.data, "bc", 2);
    slice_drop(&two);
    cr_expect_eq(destroyed, 1);
    cr_expect_eq(two.len, 0);
    cr_expect_null(slab_unref(NULL));
}

Test(slice, a_copy_is_its_own)
{
    char text[] = "hello";
    struct slice copy;
    cr_assert_eq(slice_copy(text, 5, &copy), 0);
    text[0] = 'x';
    cr_expect_arr_eq(copy.data, "hello", 5);
    slice_drop(&copy);
    cr_assert_eq(slice_copy(NULL, 0, &copy), 0);
    slice_drop(&copy);
}

Test(heap, deadlines_leave_in_order_and_equal_ones_as_they_came)
{
    struct heap heap;
    struct heap_node nodes[200];
    memset(nodes, 0, sizeof(nodes));
    heap_init(&heap);
    for (int i = 0; i < 200; i++)
        cr_assert_eq(heap_push(&heap, &nodes[i], (i * 37) % 20), 0);
    for (int i = 0; i < 200; i += 3)
        heap_remove(&heap, &nodes[i]);
    heap_remove(&heap, &nodes[0]);
    cr_expect_not(heap_holds(&nodes[0]));
    int64_t last = -1;
    long before = -1;
    size_t n = 0;
    for (struct heap_node *first; (first = heap_first(&heap)); n++) {
        cr_assert(first->deadline >= last);
        if (first->deadline > last)
            before = -1;
        cr_assert(first - nodes > before, "equal deadlines leave as they came");
        before = first - nodes;
        last = first->deadline;
        heap_remove(&heap, first);
    }
    cr_expect_eq(n, 200 - 67);
    heap_done(&heap);
}

Test(clock, a_deadline_never_overflows)
{
    cr_expect_eq(clock_after(5, 10), 15);
    cr_expect_eq(clock_after(CLOCK_FOREVER - 1, 10), CLOCK_FOREVER);
    cr_expect_eq(clock_after(5, CLOCK_FOREVER), CLOCK_FOREVER);
    cr_expect_leq(clock_now(), clock_now());
}

Test(err, words_are_cut_not_overrun)
{
    struct err err;
    char *large = malloc(2000);
    memset(large, 'x', 1999);
    large[1999] = '\0';
    cr_expect_eq(err_set(&err, -EINVAL, "%s", large), -EINVAL);
    cr_expect_eq(strlen(err.text), ERR_TEXT_MAX - 1);
    cr_expect_eq(err_wrap(&err, -EIO, "%s", large), -EIO);
    cr_expect_lt(strlen(err.text), ERR_TEXT_MAX);
    err_sys(&err, -ENOENT, "'%s'", "a.txt");
    cr_expect_str_eq(err.text, "'a.txt': No such file or directory");
    err_wrap(&err, -ENOENT, "reading %s", "the job");
    cr_expect_str_eq(err.text, "reading the job: 'a.txt': No such file or directory");
    cr_expect_eq(err_set(NULL, -EPERM, "no output"), -EPERM);
    free(large);
}

Test(parse, whole_numbers)
{
    uint64_t u = 7;
    int64_t i = 7;
    cr_expect_eq(parse_u64("18446744073709551615", &u), 0);
    cr_expect_eq(u, UINT64_MAX);
    cr_expect_eq(parse_u64("18446744073709551616", &u), -ERANGE);
    cr_expect_eq(parse_i64("-9223372036854775808", &i), 0);
    cr_expect_eq(i, INT64_MIN);
    cr_expect_eq(parse_i64("9223372036854775808", &i), -ERANGE);
    const char *const bad[] = {"", " 1", "1 ", "+1", "-1", "01", "1x", "0x10", "1e3", "1.0"};
    for (size_t k = 0; k < sizeof(bad) / sizeof(bad[0]); k++)
        cr_expect_eq(parse_u64(bad[k], &u), -EINVAL, "'%s'", bad[k]);
    cr_expect_eq(u, UINT64_MAX, "untouched on failure");
    cr_expect_eq(parse_u64("0", &u), 0);
}

Test(parse, sizes)
{
    const struct {
        const char *text;
        uint64_t bytes;
    } good[] = {{"4096", 4096},         {"64K", 65536},     {"64KiB", 65536}, {"64KB", 64000},
                {"1.5GiB", 1610612736}, {"1T", 1ull << 40}, {"2MB", 2000000}};
    const char *const bad[] = {"", "k", "64k", "64 KB", "-1K", "1.5.5M", "1Ki", "B"};
    uint64_t bytes;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        cr_expect_eq(parse_size(good[i].text, &bytes), 0, "%s", good[i].text);
        cr_expect_eq(bytes, good[i].bytes, "%s", good[i].text);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        cr_expect_lt(parse_size(bad[i], &bytes), 0, "'%s'", bad[i]);
    cr_expect_eq(parse_size("99999999999T", &bytes), -ERANGE);
}

Test(parse, durations_and_shares)
{
    int64_t ns;
    uint32_t bp;
    cr_expect(parse_duration("90", &ns) == 0 && ns == 90 * NS_PER_S);
    cr_expect(parse_duration("250ms", &ns) == 0 && ns == 250 * NS_PER_MS);
    cr_expect(parse_duration("1.5s", &ns) == 0 && ns == 1500 * NS_PER_MS);
    cr_expect(parse_duration("2h", &ns) == 0 && ns == 7200 * NS_PER_S);
    cr_expect(parse_duration("1d", &ns) == 0 && ns == 86400 * NS_PER_S);
    cr_expect_lt(parse_duration("5 min", &ns), 0);
    cr_expect_lt(parse_duration("-1s", &ns), 0);
    cr_expect_lt(parse_duration("", &ns), 0);
    cr_expect(parse_percent("5%", &bp) == 0 && bp == 500);
    cr_expect(parse_percent("0.5%", &bp) == 0 && bp == 50);
    cr_expect_eq(parse_percent("150%", &bp), -ERANGE);
    cr_expect_lt(parse_percent("5", &bp), 0);
}

Test(parse, the_nearest_name_if_it_is_near)
{
    const char *const names[] = {"order", "on_error", "source"};
    cr_expect_str_eq(parse_nearest("ordr", names, 3), "order");
    cr_expect_str_eq(parse_nearest("sorce", names, 3), "source");
    cr_expect_null(parse_nearest("frobnicate", names, 3));
    cr_expect_null(parse_nearest("", names, 3));
}

Test(grow, room_is_a_power_of_two_and_values_stay)
{
    _free_ int *list = NULL;
    size_t n = 0;
    int *before = NULL;
    unsigned moves = 0;
    for (; n < 1000; n++) {
        cr_assert_eq(grow(list, n, 1), 0);
        moves += list != before;
        before = list;
        list[n] = (int)n;
    }
    cr_assert_leq(moves, 11u, "1000 elements need room for 1, 2, 4, ... 1024");
    for (size_t i = 0; i < n; i++)
        cr_assert_eq(list[i], (int)i);
}

Test(grow, many_at_once_after_it_shrank)
{
    _free_ char *list = NULL;
    cr_assert_eq(grow(list, 0, 100), 0);
    memset(list, 'x', 100);
    cr_assert_eq(grow(list, 3, 4000), 0);
    memset(list + 3, 'y', 4000);
    cr_assert_eq(list[2], 'x');
}

Test(grow, what_no_memory_holds_is_refused_and_the_list_stays)
{
    _free_ uint64_t *list = NULL;
    cr_assert_eq(grow(list, 0, 1), 0);
    uint64_t *before = list;
    cr_assert_eq(grow(list, 1, SIZE_MAX), -ENOMEM);
    cr_assert_eq(grow(list, 1, SIZE_MAX / 2), -ENOMEM);
    cr_assert_eq(grow(list, 1, SIZE_MAX / 16), -ENOMEM);
    cr_assert_eq(list, before);
}
