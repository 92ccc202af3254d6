// Content hashes.
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/digest.h"
#include "base/fd.h"

// BLAKE2b with 32 bytes of "abc".
static const uint8_t abc[DIGEST_BYTES] = {
    0xbd, 0xdd, 0x81, 0x3c, 0x63, 0x42, 0x39, 0x72, 0x31, 0x71, 0xef, 0x3f, 0xee, 0x98, 0x57, 0x9b,
    0x94, 0x96, 0x4e, 0x3b, 0xb1, 0xcb, 0x3e, 0x42, 0x72, 0x62, 0xc8, 0xc0, 0x68, 0xd5, 0x23, 0x19};

Test(digest, is_blake2b_of_32_bytes)
{
    uint8_t digest[DIGEST_BYTES];
    digest_bytes("abc", 3, digest);
    cr_expect_arr_eq(digest, abc, DIGEST_BYTES);
    cr_expect_not(digest_is_none(digest));
    cr_expect(digest_is_none((const uint8_t[DIGEST_BYTES]){0}));
}

Test(digest, of_a_file_is_that_of_its_bytes)
{
    uint8_t digest[DIGEST_BYTES];
    uint64_t size;
    int fd = memfd_create("digest", MFD_CLOEXEC);
    cr_assert_eq(fd_write_all(fd, "abc", 3), 0);
    cr_assert_eq(lseek(fd, 0, SEEK_SET), 0);
    cr_assert_eq(digest_fd(fd, 3, digest, &size), 0);
    cr_expect_arr_eq(digest, abc, DIGEST_BYTES);
    cr_expect_eq(size, 3);
    cr_assert_eq(lseek(fd, 0, SEEK_SET), 0);
    cr_expect_eq(digest_fd(fd, 2, digest, &size), -EFBIG);
    close(fd);
    cr_expect_eq(digest_fd(fd, 2, digest, &size), -EBADF);
}
