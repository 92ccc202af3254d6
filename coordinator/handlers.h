// Which file handles which message, in which state of its sender. Each file exports its rows; only
// the door (door.c) reads them. It refuses a message that has no row for its sender's state, and
// one that the sender's role does not permit. The roles are the sender column of
// proto/messages.def, which PROTOCOL.md is checked against.
#pragma once
#include "base/err.h"
#include "coordinator/peer.h"

// A message on its way to its handler. All of it is borrowed; to keep bytes, take counts of slabs.
struct incoming {
    const void *message; // its struct, decoded; of a message with entries (RESULT, FEED) nothing
    const uint8_t *header;
    size_t header_len;
    struct slab *body; // NULL: none
    struct err *err;   // why it is refused
};

// Handles one message. Returns 0; -ENOMEM: the message is dropped without an answer; any other
// error: the peer is refused with the text of `err`. The peer may be marked as gone afterwards.
typedef int handler_fn(struct peer *peer, const struct incoming *in);

struct handler {
    enum msg_type type;
    unsigned states; // SAID_BY(enum peer_state) | ...
    handler_fn *fn;
};

#define SAID_BY(state) (1u << (state))
// The first such message makes a client of its sender; `fn` always finds peer->client.
#define SAID_BY_CLIENT (SAID_BY(PEER_WELCOMED) | SAID_BY(PEER_CLIENT))

// Each list ends with a row without `fn`.
extern const struct handler door_handlers[];      // HELLO, REGISTER, BYE, HEARTBEAT of clients
extern const struct handler inbox_handlers[];     // the rest of workers
extern const struct handler libraries_handlers[]; // NEED of workers, STORE of clients
extern const struct handler submit_handlers[];    // SUBMIT
extern const struct handler feeder_handlers[];    // FEED, FEED_END
extern const struct handler fetch_handlers[];     // DATA
extern const struct handler readers_handlers[];   // OPEN, TAKE, CLOSE
extern const struct handler rows_handlers[];      // QUERY
extern const struct handler requests_handlers[];  // CONTROL
extern const struct handler attending_handlers[]; // ATTEND
