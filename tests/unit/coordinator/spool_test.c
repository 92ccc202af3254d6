// The spool: bytes come back from the file, the disk gets its room back, a full one loses nothing.
#include "coordinator/spool.h"
#include "tests/support/descriptors.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static uint8_t bytes[4 << 20];

static struct slice part(size_t len, int fill)
{
    memset(bytes, fill, len);
    return (struct slice){.data = bytes, .len = len};
}

static bool is_all(const struct slice *slice, int fill)
{
    for (size_t i = 0; i < slice->len; i++)
        if (slice->data[i] != fill)
            return false;
    return true;
}

Test(spool, many_results_one_descriptor)
{
    struct spool *spool;
    struct slice kept[40];
    int before = count_descriptors();
    cr_assert_eq(spool_new("/tmp", &spool), 0);
    cr_expect_eq(count_descriptors(), before, "nothing is opened before it is needed");
    for (int i = 0; i < 40; i++) {
        struct slice body = part(1 << 20, i);
        cr_assert_eq(spool_put(spool, &body, &kept[i]), 0);
    }
    cr_expect_eq(count_descriptors(), before + 1);
    cr_expect_eq(spool_bytes(spool), 40ull << 20);
    for (int i = 0; i < 40; i++)
        cr_expect(is_all(&kept[i], i), "result %d", i);
    for (int i = 0; i < 40; i++)
        slice_drop(&kept[i]);
    cr_expect_lt(spool_bytes(spool), SPOOL_SEGMENT);
    spool_free(spool);
    cr_expect_eq(count_descriptors(), before);
}

Test(spool, places_that_are_over_are_used_again)
{
    struct spool *spool;
    cr_assert_eq(spool_new("/tmp", &spool), 0);
    for (int round = 0; round < 20; round++) {
        struct slice kept[8];
        for (int i = 0; i < 8; i++) {
            struct slice body = part(4 << 20, round + i);
            cr_assert_eq(spool_put(spool, &body, &kept[i]), 0);
        }
        for (int i = 0; i < 8; i++)
            cr_expect(is_all(&kept[i], round + i));
        for (int i = 0; i < 8; i++)
            slice_drop(&kept[i]);
        cr_expect_leq(spool_bytes(spool), SPOOL_SEGMENT);
    }
    spool_free(spool);
}

Test(spool, a_file_that_may_not_grow)
{
    struct spool *spool;
    struct slice first = {0}, second = {0};
    const struct rlimit limit = {.rlim_cur = 6 << 20, .rlim_max = 6 << 20};
    signal(SIGXFSZ, SIG_IGN);
    cr_assert_eq(spool_new("/tmp", &spool), 0);
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    struct slice body = part(4 << 20, 'a');
    cr_assert_eq(spool_put(spool, &body, &first), 0);
    body = part(4 << 20, 'b');
    cr_expect_eq(spool_put(spool, &body, &second), -EFBIG);
    cr_expect_null(second.slab);
    cr_expect(is_all(&first, 'a'), "what was there stays");
    cr_expect_eq(spool_bytes(spool), 4u << 20);
    slice_drop(&first);
    body = part(4 << 20, 'c');
    cr_assert_eq(spool_put(spool, &body, &second), 0, "room again");
    cr_expect(is_all(&second, 'c'));
    slice_drop(&second);
    spool_free(spool);
}

Test(spool, a_directory_that_is_not_there)
{
    struct spool *spool;
    struct slice ret = {0}, body = part(1000, 1);
    cr_assert_eq(spool_new("/nowhere/at/all", &spool), 0);
    cr_expect_eq(spool_put(spool, &body, &ret), -ENOENT);
    cr_expect_eq(spool_put(spool, &body, &ret), -ENOENT);
    spool_free(spool);
}
