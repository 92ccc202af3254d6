// A connection, and the way out to it.
//
// NEW --HELLO--> WELCOMED --REGISTER--> WORKER
//                    '------any message of a client------> CLIENT
//
// peer_drop() may come at any time, from within any send: it only marks. A peer that is gone gets
// nothing and is heard no more; it is freed at the end of the turn, by peers_bury() (parting.h), or
// by a HELLO that comes from its place. Nothing else frees one.
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <uthash.h>

#include "base/buf.h"
#include "coordinator/gate.h"
#include "proto/message.h"
#include "transport/zsock.h"

struct client;
struct server;

// A socket and who may come through it.
struct port {
    struct server *server;
    struct zsock *socket;
    uint32_t number;
    bool is_private; // in a folder of ours, or of this process: its peers have every right
};

enum peer_state { PEER_NEW, PEER_WELCOMED, PEER_CLIENT, PEER_WORKER, PEER_STATES };

struct peer {
    struct port *port;
    uint32_t address; // of the ROUTER
    uint64_t place;   // port and address: what it is found by
    uint64_t id;      // new for each HELLO; the core knows workers by it
    enum peer_state state;
    bool gone;                   // dropped; freed once nobody iterates any more
    char reason[PROTO_TEXT_MAX]; // why, once gone
    unsigned rights;             // enum right
    char user[PROTO_NAME_MAX];   // name of its key; "" private
    char key[KEY_TEXT];          // its own; "" private
    struct zconnection connection;
    uint8_t session[PROTO_SESSION_BYTES];
    char software[PROTO_NAME_MAX];
    int64_t came;
    int64_t last_sent;
    int64_t last_heard;
    struct client *client; // CLIENT only

    // WORKER only.
    struct msg_register reg;
    struct msg_heartbeat beat; // its last
    uint64_t results;
    bool draining;
    struct batch_writer leases; // the LEASE that is being written, into the two buffers
    bool leases_open;
    struct buf header;
    struct buf body;

    UT_hash_handle by_place;
    UT_hash_handle by_id;
};

// Makes a peer in state NEW of the message's sender. NULL: no memory.
struct peer *peer_new(struct port *port, const struct zmessage *m, const struct pass *pass);
// At once: for parting.h and for the end of the server.
void peer_free(struct peer *peer);

// The peer at a place, also one that is gone; NULL.
struct peer *peer_find(const struct port *port, uint32_t address);
// NULL: unknown, or gone.
struct peer *peer_of_id(const struct server *server, uint64_t id);

// Sends one message now; copies, never suspends. `peer` may be NULL or gone: -ENOTCONN. -EAGAIN:
// the queue of a client is full, nothing was sent. -ENOMEM, -ENOBUFS: it can't be encoded. Any
// other error has dropped the peer. Most callers need no answer: what a peer did not get it asks
// for again, and one that is gone has its heirs.
int peer_say(struct peer *peer, enum msg_type type, const void *m);
int peer_say_with(struct peer *peer, enum msg_type type, const void *m, const void *body,
                  size_t body_len);
// The same for a message that is encoded already.
int peer_send(struct peer *peer, const struct buf *header, const void *body, size_t body_len);
// Marks it as gone. The reason is for logs, and copied.
void peer_drop(struct peer *peer, const char *reason);
