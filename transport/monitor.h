// What happens to the connections of a socket: which were made, and which were turned away.
#pragma once
#include <stdint.h>

#include "base/err.h"

// Descriptors that are kept free: with none left, libzmq 4.3.4 aborts the process when a peer
// connects to a Unix socket. A TCP connection that takes one of the last is closed at once.
#define MONITOR_RESERVE 64 // or a quarter of all, if that is less

struct transport;
struct zsock;
struct monitor;

struct monitor_counts {
    uint64_t accepted; // connections, before their handshake
    uint64_t greeted;  // handshakes that succeeded
    uint64_t refused;  // by their key
    uint64_t failed;   // failed handshakes: no key, another protocol, too slow
    uint64_t disconnected;
    uint64_t no_files; // connections that found no descriptor left
};

enum monitor_event { MONITOR_GREETED, MONITOR_REFUSED, MONITOR_FAILED, MONITOR_NO_FILES };

// `report` is called from the loop, for each event; `what` is for people. Optional.
int monitor_open(struct transport *t, struct zsock *socket,
                 void (*report)(void *arg, enum monitor_event event, const char *what), void *arg,
                 struct monitor **ret, struct err *err);
// Before the socket is closed. Accepts NULL. Returns NULL.
struct monitor *monitor_close(struct monitor *monitor);
void monitor_counts(const struct monitor *monitor, struct monitor_counts *ret);
