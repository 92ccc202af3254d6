// The stash: bytes come back from the file, the disk gets its room back, a full one loses nothing.
#include "coordinator/stash.h"

#include <criterion/criterion.h>
#include <dirent.h>
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

static int open_files(void)
{
    DIR *dir = opendir("/proc/self/fd");
    int n = 0;
    while (readdir(dir))
        n++;
    closedir(dir);
    return n;
}

static bool is_all(const struct slice *slice, int fill)
{
    for (size_t i = 0; i < slice->len; i++)
        if (slice->data[i] != fill)
            return false;
    return true;
}

Test(stash, many_results_one_descriptor)
{
    struct stash *stash;
    struct slice kept[40];
    int before = open_files();
    cr_assert_eq(stash_new("/tmp", &stash), 0);
    cr_expect_eq(open_files(), before, "nothing is opened before it is needed");
    for (int i = 0; i < 40; i++) {
        struct slice body = part(1 << 20, i);
        cr_assert_eq(stash_put(stash, &body, &kept[i]), 0);
    }
    cr_expect_eq(open_files(), before + 1);
    cr_expect_eq(stash_bytes(stash), 40ull << 20);
    for (int i = 0; i < 40; i++)
        cr_expect(is_all(&kept[i], i), "result %d", i);
    for (int i = 0; i < 40; i++)
        slice_drop(&kept[i]);
    cr_expect_lt(stash_bytes(stash), STASH_SEGMENT);
    stash_free(stash);
    cr_expect_eq(open_files(), before);
}

Test(stash, places_that_are_over_are_used_again)
{
    struct stash *stash;
    cr_assert_eq(stash_new("/tmp", &stash), 0);
    for (int round = 0; round < 20; round++) {
        struct slice kept[8];
        for (int i = 0; i < 8; i++) {
            struct slice body = part(4 << 20, round + i);
            cr_assert_eq(stash_put(stash, &body, &kept[i]), 0);
        }
        for (int i = 0; i < 8; i++)
            cr_expect(is_all(&kept[i], round + i));
        for (int i = 0; i < 8; i++)
            slice_drop(&kept[i]);
        cr_expect_leq(stash_bytes(stash), STASH_SEGMENT);
    }
    stash_free(stash);
}

Test(stash, a_file_that_may_not_grow)
{
    struct stash *stash;
    struct slice first = {0}, second = {0};
    const struct rlimit limit = {.rlim_cur = 6 << 20, .rlim_max = 6 << 20};
    signal(SIGXFSZ, SIG_IGN);
    cr_assert_eq(stash_new("/tmp", &stash), 0);
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    struct slice body = part(4 << 20, 'a');
    cr_assert_eq(stash_put(stash, &body, &first), 0);
    body = part(4 << 20, 'b');
    cr_expect_eq(stash_put(stash, &body, &second), -EFBIG);
    cr_expect_null(second.slab);
    cr_expect(is_all(&first, 'a'), "what was there stays");
    cr_expect_eq(stash_bytes(stash), 4u << 20);
    slice_drop(&first);
    body = part(4 << 20, 'c');
    cr_assert_eq(stash_put(stash, &body, &second), 0, "there is room again");
    cr_expect(is_all(&second, 'c'));
    slice_drop(&second);
    stash_free(stash);
}

Test(stash, a_directory_that_is_not_there)
{
    struct stash *stash;
    struct slice ret = {0}, body = part(1000, 1);
    cr_assert_eq(stash_new("/nowhere/at/all", &stash), 0);
    cr_expect_eq(stash_put(stash, &body, &ret), -ENOENT);
    cr_expect_eq(stash_put(stash, &body, &ret), -ENOENT);
    stash_free(stash);
}
