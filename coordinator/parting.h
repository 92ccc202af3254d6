// The ways out for a peer: to be refused, buried, cut off.
#pragma once
#include <stdint.h>

#include "transport/zsock.h"

struct peer;
struct port;
struct server;

// A connection to be cut once its last message is out.
struct parting {
    struct zconnection connection;
    int64_t after;
};

// Sends REFUSE and drops the peer.
void peer_refuse(struct peer *peer, int code, const char *text);
// Sends REFUSE to an address that has no peer.
void port_refuse(struct port *port, uint32_t address, int code, const char *text);
// Settles what a dropped peer leaves (its client is away, a worker's chunks go back to the core)
// and frees it. May forget jobs. Call it only where nothing holds a peer: at the turn's end, and at
// the door between two messages.
void peer_bury(struct peer *peer);
void peers_bury(struct server *server);
// The allow-list has changed: peers that were removed, or whose role changed, are cut off.
void peers_check_keys(struct server *server);
// Cuts the connections whose time for a last message is over.
void partings_cut(struct server *server, int64_t now);
void partings_done(struct server *server);
