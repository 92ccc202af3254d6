// The TCP connection that a message came by: whether a large message is on its way, and how to end
// it. The descriptor is ZeroMQ's own, so each look first makes sure that it is still the same.
#pragma once
#include <stdbool.h>
#include <stdint.h>

struct zconnection {
    int fd; // ZeroMQ's own; -1: none
    char name[64];
    uint64_t received; // bytes, at the last look
};
// `fd`: of a connected socket. Another kind of descriptor makes it none.
void zconnection_init(struct zconnection *c, int fd);
// Whether much more came in since the last look than the small messages of an idle peer: then a
// large message is on its way, and its sender is not silent although no message was complete.
#define ZCONNECTION_MUCH 2048
bool zconnection_is_receiving(struct zconnection *c);
// Ends it, if it is still the same. -ENOTCONN: it is not.
int zconnection_cut(const struct zconnection *c);
