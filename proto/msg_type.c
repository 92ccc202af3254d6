#include "proto/msg_type.h"

#include <errno.h>

#include "base/pack.h"
#include "proto/limits.h"

#define FIELDS_MAX 16 // of any message, with room for a later version

int msg_type_of(const void *header, size_t len)
{
    if (len > PROTO_HEADER_MAX)
        return -EPROTO;
    struct pack_reader r;
    pack_reader_init(&r, header, len);
    if (pack_read_array(&r, FIELDS_MAX) < 1)
        return -EPROTO;
    uint64_t type = pack_read_u64(&r, UINT8_MAX);
    return pack_ok(&r) ? (int)type : -EPROTO;
}

const char *msg_name(int type)
{
    switch (type) {
#define MSG(name, number, sender, text)                                                            \
    case MSG_##name:                                                                               \
        return #name;
#include "proto/messages.def"
#undef MSG
    default:
        return "of no known form";
    }
}
