// Input: the payload of a chunk: an extent, and a framed list of items.
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

#include "pipelines/frame.h"
#include "pipelines/source/extent.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct extent extent;
    int r = extent_get(data, size, &extent);
    if (r == 0 && extent.length > EXTENT_BYTES_MAX)
        abort();
    if (r != 0 && r != -EPROTO)
        abort();
    struct frame_reader reader;
    const uint8_t *item;
    size_t len;
    frame_reader_init(&reader, data, size);
    while ((r = frame_next(&reader, &item, &len)) == 1)
        if (item < data || item + len > data + size)
            abort();
    return 0;
}
