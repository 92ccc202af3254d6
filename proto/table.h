// Which fields each message and each entry has. Public for what prints and documents messages.
#pragma once
#include <stdint.h>

#include "proto/fields.h"
#include "proto/info.h"
#include "proto/msg_type.h"

// The fixed fields of a message; its struct is struct msg_x, or one of the heads below. NULL for a
// number that no message has.
const struct layout *msg_layout(int type);

// What comes after the head of a message.
extern const struct layout lease_entry, return_entry, result_entry, begun_entry, record_row;
// The row that answers a query of this kind.
const struct layout *info_row(enum query what);

// The fixed fields of messages with entries, for their own code.
struct lease_head {
    uint64_t epoch;
    uint32_t count;
};
struct feed_head {
    uint64_t seq;
    uint32_t count; // 1
};
struct result_head {
    uint64_t epoch;
    uint64_t first_seq;
    uint32_t count;
};
struct return_head { // of RECALL, KEEP, DISCARD and BEGUN, too
    uint32_t count;
};
struct records_head {
    uint64_t stream;
    uint64_t first_offset;
    uint32_t count;
};
struct info_head {
    uint64_t request;
    uint32_t what; // enum query
    bool more;
    uint32_t count;
};

// Reads the fixed fields; bad bytes fail the reader. For messages with entries.
void msg_get_head(struct pack_reader *r, const void *header, size_t len, enum msg_type type,
                  void *ret);
