// Content hashes.
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/digest.h"
#include "base/fd.h"

// BLAKE2b with 32 bytes of "abc".
static const char abc[] = "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319";

Test(digest, is_blake2b_of_32_bytes)
{
    uint8_t digest[DIGEST_BYTES];
    char text[DIGEST_TEXT];
    digest_bytes("abc", 3, digest);
    digest_text(digest, text);
    cr_expect_str_eq(text, abc);
    cr_expect_not(digest_is_none(digest));
    cr_expect(digest_is_none((const uint8_t[DIGEST_BYTES]){0}));
}

Test(digest, of_a_file_is_that_of_its_bytes)
{
    uint8_t digest[DIGEST_BYTES];
    char text[DIGEST_TEXT];
    uint64_t size;
    int fd = memfd_create("digest", MFD_CLOEXEC);
    cr_assert_eq(fd_write_all(fd, "abc", 3), 0);
    cr_assert_eq(lseek(fd, 0, SEEK_SET), 0);
    cr_assert_eq(digest_fd(fd, 3, digest, &size), 0);
    digest_text(digest, text);
    cr_expect_str_eq(text, abc);
    cr_expect_eq(size, 3);
    cr_assert_eq(lseek(fd, 0, SEEK_SET), 0);
    cr_expect_eq(digest_fd(fd, 2, digest, &size), -EFBIG);
    close(fd);
    cr_expect_eq(digest_fd(fd, 2, digest, &size), -EBADF);
}
