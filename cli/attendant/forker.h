// What the coordinator and the forker say to each other, and the forker itself.
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "proto/limits.h"
#include "transport/access.h"

enum forker_request { FORKER_BEGIN = 1, FORKER_KILL };

// One packet. BEGIN carries a descriptor: a file in memory with the packed plan.
struct forker_message {
    uint32_t request;
    uint32_t needs; // enum attend_need
    uint64_t job;
    uint8_t session[PROTO_SESSION_BYTES];
    bool over_network;
};

// An attendant has ended, or could not be forked.
struct forker_news {
    uint64_t job;
    int32_t status; // as waitpid gives it
    int32_t code;   // 0, or negative errno of fork
};

struct confine;
struct forker_setup {
    int control; // its end of the socket
    char endpoint[ACCESS_ENDPOINT_MAX];
    const struct confine *confine;
};

// Never returns: serves until the socket has ended.
_Noreturn void forker_main(const struct forker_setup *setup);
// A packet and a descriptor (-1: none) with it. Blocks. 0 or negative errno.
int forker_send(int control, const void *packet, size_t len, int fd);
// 1 with a packet (and its descriptor, -1: none), 0: the other end is gone, negative errno.
int forker_recv(int control, void *packet, size_t len, int *ret_fd);
