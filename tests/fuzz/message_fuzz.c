// Input: two bytes of the header's length, the header, the body.
#include <stdint.h>
#include <stdlib.h>

#include "tests/unit/proto/samples.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    size_t header_len = (size_t)(data[0] << 8 | data[1]);
    data += 2;
    size -= 2;
    if (header_len > size)
        header_len = size;
    struct err err;
    int r = read_any(data, header_len, data + header_len, size - header_len, &err);
    if (r != 0 && r != -EPROTO)
        abort();
    return 0;
}
