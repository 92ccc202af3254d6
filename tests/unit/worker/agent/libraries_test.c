// Kernels' libraries: the file at the path, or the copy that was sent.
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "pipelines/library.h"
#include "pipelines/plan.h"
#include "tests/unit/pipelines/folder.h"
#include "tests/unit/worker/made.h"
#include "worker/agent/libraries.h"

// Where the step's library is now; "" at its path.
static char *place_in(const struct buf *packed)
{
    struct plan *plan = NULL;
    struct err err = {0};
    cr_assert_eq(plan_unpack_step(packed->data, packed->len, &plan, &err), 0);
    const char *at = plan_stage(plan, 0)->library_at;
    char *copy = strdup(at ? at : "");
    plan_free(plan);
    return copy;
}

static int resolve(struct libraries *l, uint64_t job, const char *path,
                   const uint8_t digest[DIGEST_BYTES], char **ret_place)
{
    struct buf packed = made_packed_library(path, digest), placed = {0};
    struct err err = {0};
    uint8_t missing[DIGEST_BYTES];
    int r = libraries_resolve(l, job, packed.data, packed.len, &placed, missing, &err);
    if (r == 0)
        cr_expect_arr_eq(missing, digest, DIGEST_BYTES);
    if (r == 1)
        *ret_place = place_in(&placed);
    buf_done(&packed);
    buf_done(&placed);
    return r;
}

// What can be read at a place.
static const char *text_at(const char *place)
{
    static char bytes[16];
    int fd = open(place, O_RDONLY | O_CLOEXEC);
    memset(bytes, 0, sizeof(bytes));
    cr_assert_geq(fd, 0, "%s", place);
    cr_assert_geq(fd_read_full(fd, bytes, sizeof(bytes) - 1), 0);
    close(fd);
    return bytes;
}

Test(libraries, the_file_at_the_path_is_copied_when_it_is_the_same)
{
    struct folder f;
    struct libraries l = {0};
    char path[128], *place = NULL;
    uint8_t one[DIGEST_BYTES], two[DIGEST_BYTES];
    folder_make(&f);
    folder_file(&f, "k.so", "one", 3);
    snprintf(path, sizeof(path), "%s/k.so", f.path);
    digest_bytes("one", 3, one);
    digest_bytes("two", 3, two);
    for (int i = 0; i < 2; i++) { // the second time from memory
        cr_assert_eq(resolve(&l, 1, path, one, &place), 1);
        cr_expect_str_eq(text_at(place), "one");
        free(place);
        cr_expect_eq(resolve(&l, 1, path, two, &place), 0);
    }
    // It changes, to a file of the same length.
    unlink(path);
    folder_file(&f, "k.so", "two", 3);
    cr_assert_eq(resolve(&l, 1, path, one, &place), 1);
    cr_expect_str_eq(text_at(place), "one", "the job's bytes, not what is there now");
    free(place);
    cr_assert_eq(resolve(&l, 2, path, two, &place), 1);
    cr_expect_str_eq(text_at(place), "two");
    free(place);
    libraries_done(&l);
    folder_remove(&f);
}

Test(libraries, one_without_a_digest_stays_the_file_that_it_was)
{
    static const uint8_t none[DIGEST_BYTES];
    struct folder f;
    struct libraries l = {0};
    char path[128], *place = NULL;
    folder_make(&f);
    folder_file(&f, "k.so", "one", 3);
    snprintf(path, sizeof(path), "%s/k.so", f.path);
    for (int i = 0; i < 2; i++) {
        cr_assert_eq(resolve(&l, 1, path, none, &place), 1);
        cr_expect_str_eq(text_at(place), "one");
        free(place);
        unlink(path);
        folder_file(&f, "k.so", "two", 3);
    }
    libraries_release(&l, 1);
    cr_assert_eq(resolve(&l, 1, path, none, &place), 1);
    cr_expect_str_eq(text_at(place), "two", "of the next job");
    free(place);
    libraries_done(&l);
    folder_remove(&f);
}

Test(libraries, a_copy_is_what_was_asked_for_and_can_be_opened)
{
    struct libraries l = {0};
    uint8_t digest[DIGEST_BYTES];
    char *place = NULL, bytes[8] = "";
    digest_bytes("kernel", 6, digest);
    cr_expect_eq(resolve(&l, 1, "/nowhere/k.so", digest, &place), 0);
    cr_expect_eq(libraries_add(&l, digest, "kernal", 6), -EBADMSG);
    cr_assert_eq(libraries_add(&l, digest, "kernel", 6), 0);
    cr_assert_eq(libraries_add(&l, digest, "kernel", 6), 0);
    cr_assert_eq(resolve(&l, 1, "/nowhere/k.so", digest, &place), 1);
    int fd = open(place, O_RDONLY | O_CLOEXEC);
    cr_assert_geq(fd, 0, "%s", place);
    cr_expect_eq(fd_read_full(fd, bytes, 6), 6);
    cr_expect_str_eq(bytes, "kernel");
    close(fd);
    fd = open(place, O_RDWR | O_CLOEXEC);
    cr_expect(fd < 0 || write(fd, "x", 1) < 0, "it can't be changed");
    if (fd >= 0)
        close(fd);
    free(place);
    libraries_done(&l);
}

Test(libraries, copies_that_no_job_uses_make_room)
{
    struct libraries l = {0};
    const size_t size = LIBRARIES_BYTES_MAX / 4;
    char *bytes = calloc(1, size), *place = NULL;
    uint8_t digest[6][DIGEST_BYTES];
    for (int i = 0; i < 6; i++) {
        bytes[0] = (char)i;
        digest_bytes(bytes, size, digest[i]);
        if (i < 4)
            cr_assert_eq(libraries_add(&l, digest[i], bytes, size), 0);
    }
    // 0, 2 and 3 are in use; 1 is not.
    for (int i = 0; i < 4; i++)
        if (i != 1) {
            cr_assert_eq(resolve(&l, 10 + (uint64_t)i, "/nowhere", digest[i], &place), 1);
            free(place);
        }
    bytes[0] = 4;
    cr_assert_eq(libraries_add(&l, digest[4], bytes, size), 0);
    cr_expect_eq(resolve(&l, 1, "/nowhere", digest[1], &place), 0, "it made room");
    cr_assert_eq(resolve(&l, 1, "/nowhere", digest[4], &place), 1);
    free(place);
    bytes[0] = 5;
    cr_expect_eq(libraries_add(&l, digest[5], bytes, size), -ENOSPC);
    libraries_release(&l, 12);
    cr_expect_eq(libraries_add(&l, digest[5], bytes, size), 0);
    cr_expect_eq(resolve(&l, 1, "/nowhere", digest[2], &place), 0);
    free(bytes);
    libraries_done(&l);
}
