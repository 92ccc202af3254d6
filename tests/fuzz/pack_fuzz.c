// Every reader at every place; none may pass the end, and a failure must stay.
#include <stdint.h>
#include <stdlib.h>

#include "base/pack.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pack_reader r;
    pack_reader_init(&r, data, size);
    char text[16];
    size_t len;
    for (size_t i = 0; i < size && pack_ok(&r); i++) {
        struct pack_reader before = r;
        switch (data[i] % 9) {
        case 0:
            pack_read_array(&r, UINT32_MAX);
            break;
        case 1:
            pack_read_map(&r, UINT32_MAX);
            break;
        case 2:
            pack_read_u64(&r, UINT64_MAX);
            break;
        case 3:
            pack_read_i64(&r);
            break;
        case 4:
            pack_read_f64(&r);
            break;
        case 5:
            pack_read_text(&r, text, sizeof(text));
            break;
        case 6:
            pack_read_bin(&r, SIZE_MAX, &len);
            break;
        case 7:
            free(pack_read_strdup(&r, SIZE_MAX));
            break;
        default:
            pack_skip(&r);
        }
        if (r.at > r.end || r.at < before.at)
            abort();
    }
    if (!pack_ok(&r) && pack_read_u64(&r, UINT64_MAX) != 0)
        abort();
    return 0;
}
