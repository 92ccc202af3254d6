// Messages as ZeroMQ's frames: a header frame and at most one body frame.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"
#include "transport/zconnection.h"

#define ZMESSAGE_MAX ((int64_t)257 << 20) // of a frame; proto/limits.h keeps below it

struct zmessage {
    uint32_t peer; // ROUTER: number of the sender
    const uint8_t *header;
    size_t header_len;
    struct slab *body; // NULL: none. One count, the receiver's
    struct slab *header_slab;
};
void zmessage_done(struct zmessage *m);
// Who sent it, as the authentication handler said; "" without one. Borrowed from the message.
const char *zmessage_user(const struct zmessage *m);
void zmessage_connection(const struct zmessage *m, struct zconnection *ret);

// What zsock_recv() and zsock_send() do, on ZeroMQ's own handle. `peer`: of a ROUTER; NULL.
int zmessage_recv(void *socket, bool is_router, struct zmessage *ret);
int zmessage_send(void *socket, const uint32_t *peer, const void *header, size_t header_len,
                  const void *body, size_t body_len);
