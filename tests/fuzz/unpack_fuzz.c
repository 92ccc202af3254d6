// Input: a compressed file. Whatever it is, an end comes, and no more than a bound of plain bytes
// at a time.
#include <stdint.h>
#include <stdlib.h>

#include "pipelines/unpack.h"

#define ROUNDS_MAX 10000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum unpack_kind kind = unpack_kind_of(data, size);
    struct unpacker *u;
    uint8_t plain[1000];
    struct err err;
    if (!kind || unpacker_new(kind, &u, &err) < 0)
        return 0;
    unpacker_feed(u, data, size);
    for (int i = 0; i < ROUNDS_MAX && !unpacker_wants(u); i++) {
        ssize_t n = unpacker_read(u, plain, sizeof(plain));
        if (n > (ssize_t)sizeof(plain))
            abort();
        if (n < 0)
            break;
    }
    unpacker_free(u);
    return 0;
}
