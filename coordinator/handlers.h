// What peers may say. Each file that takes messages exports its rows; the door (door.c) puts them
// together and is the only one that looks at them. A message without a row for its sender's state
// is refused there, and so is one that the sender's role does not permit: that is the sender column
// of proto/messages.def, which PROTOCOL.md is checked against.
#pragma once
#include "base/err.h"
#include "coordinator/peer.h"

// Handles one message. The message is borrowed; what is kept takes counts of its slabs. 0; -ENOMEM:
// the message is lost, and its sender, whose request is not answered, may ask again; any other
// error: the peer is refused with the words of `err`. `peer` may be gone afterwards, and
// peer->client NULL.
typedef int handler_fn(struct peer *peer, const struct zmessage *m, struct err *err);

struct handler {
    enum msg_type type;
    unsigned states; // SAID_BY(enum peer_state) | ...
    handler_fn *fn;
};

#define SAID_BY(state) (1u << (state))
// The first message that only a client says makes one of its sender: `fn` finds peer->client.
#define SAID_BY_CLIENT (SAID_BY(PEER_WELCOMED) | SAID_BY(PEER_CLIENT))

// A row without `fn` ends each list.
extern const struct handler door_handlers[]; // HELLO, REGISTER, BYE
extern const struct handler
    inbox_handlers[]; // of workers: CREDIT, RESULT, RETURN, HEARTBEAT, DRAIN
extern const struct handler libraries_handlers[]; // NEED of workers, STORE of clients
extern const struct handler submit_handlers[];    // SUBMIT
extern const struct handler feeder_handlers[];    // FEED, FEED_END
extern const struct handler fetch_handlers[];     // DATA
extern const struct handler readers_handlers[];   // OPEN, TAKE, CLOSE
extern const struct handler rows_handlers[];      // QUERY
extern const struct handler requests_handlers[];  // CONTROL, HEARTBEAT of clients
