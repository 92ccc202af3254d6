// The ways out for a peer: refused, buried, cut off.
#pragma once
#include <stdint.h>

#include "transport/zsock.h"

struct peer;
struct port;
struct server;

// A connection that ends when its last message is out.
struct parting {
    struct zconnection connection;
    int64_t after;
};

// Says REFUSE and drops the peer.
void peer_refuse(struct peer *peer, int code, const char *text);
// Says REFUSE to an address that is no peer.
void port_refuse(struct port *port, uint32_t address, int code, const char *text);
// What a peer that is gone leaves goes to its heirs: its client is away, its chunks go back. Then
// it is freed. May forget jobs. Only where nobody holds the peer: at the turn's end, and at the
// door.
void peer_bury(struct peer *peer);
void peers_bury(struct server *server);
// The allow-list changed: peers that are not on it any more, or have another role, are cut off.
void peers_check_keys(struct server *server);
// Cuts the connections whose last message had its time.
void partings_cut(struct server *server, int64_t now);
void partings_done(struct server *server);
