#include "base/digest.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"

#define BLOCK (64u << 10)

void digest_bytes(const void *data, size_t len, uint8_t ret[DIGEST_BYTES])
{
    crypto_generichash(ret, DIGEST_BYTES, data, len, NULL, 0);
}

int digest_fd(int fd, uint64_t max, uint8_t ret[DIGEST_BYTES], uint64_t *ret_size)
{
    _free_ uint8_t *block = malloc(BLOCK);
    crypto_generichash_state state;
    uint64_t size = 0;
    ssize_t n;
    if (!block)
        return -ENOMEM;
    crypto_generichash_init(&state, NULL, 0, DIGEST_BYTES);
    while ((n = read(fd, block, BLOCK)) != 0) {
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        size += (uint64_t)n;
        if (size > max)
            return -EFBIG;
        crypto_generichash_update(&state, block, (unsigned long long)n);
    }
    crypto_generichash_final(&state, ret, DIGEST_BYTES);
    *ret_size = size;
    return 0;
}

bool digest_is_none(const uint8_t digest[DIGEST_BYTES])
{
    return sodium_is_zero(digest, DIGEST_BYTES);
}
