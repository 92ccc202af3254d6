// A ZeroMQ socket in the loop, and small helpers on one. No file outside transport/ includes this.
#pragma once
#include <stdbool.h>

#include "async/loop.h"

// A ZeroMQ socket in the loop. Its descriptor is edge-triggered, and any use of the socket
// may swallow an edge, so the events are read once more before the loop sleeps.
struct looped {
    void *socket; // owned
    struct watch watch;
    struct prepare prepare;
    void (*ready)(void *arg);
    void *arg;
    bool again; // call ready in the next turn even if no event says so
};

// Takes over the socket on success. `ready` is called when something may be received.
int looped_add(struct looped *l, void *socket, void (*ready)(void *arg), void *arg);
// Closes the socket. Safe on one that was never added (all zero).
void looped_done(struct looped *l);
// Whether something can be received. Reading the events quiets the descriptor.
bool socket_readable(void *socket);
int socket_set_int(void *socket, int option, int value);
// Receives one frame as a string of at most size - 1 bytes, cut. Its full length, or negative
// errno.
int socket_recv_text(void *socket, char *ret, size_t size, bool *ret_more);
// Drops the rest of a message.
void socket_skip(void *socket, bool more);
