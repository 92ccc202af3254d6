// Content hashes: BLAKE2b of 32 bytes (RFC 7693), by libsodium. The same digest means the same
// bytes, even against an attacker.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DIGEST_BYTES 32

void digest_bytes(const void *data, size_t len, uint8_t ret[DIGEST_BYTES]);
// Of all that remains to be read; *ret_size: how much that was. Blocking. -EFBIG over `max` bytes.
int digest_fd(int fd, uint64_t max, uint8_t ret[DIGEST_BYTES], uint64_t *ret_size);
// All zero: stands for no digest.
bool digest_is_none(const uint8_t digest[DIGEST_BYTES]);
