// A connection, and the way out to it.
//
// NEW --HELLO--> WELCOMED --REGISTER--> WORKER
//                    '------any message of a client-----> CLIENT
//
// A peer may be dropped at any time, even from within a send, but dropping only marks it as gone:
// it is sent nothing, its messages are ignored, and it stays valid until it is buried at the end of
// the turn (parting.h) or replaced by a HELLO from the same address. Nothing else frees a peer.
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>
#include <uthash.h>

#include "base/buf.h"
#include "coordinator/gate.h"
#include "proto/message.h"
#include "transport/zsock.h"

struct client;
struct server;

// A socket that peers come through.
struct port {
    struct server *server;
    struct zsock *socket;
    uint32_t number;
    bool is_private; // in a folder of ours, or of this process: its peers have every right
};

#define PEER_KEPT_MAX 65536u // runs of chunks that a worker may name when it comes back

#define NEEDS_MAX 32u // libraries that a worker asked for last, as far as they are known

// A library that a worker has asked for: libraries.c.
struct need {
    uint8_t digest[DIGEST_BYTES];
    int64_t sent; // when it was answered last
    bool waits;   // and asked for again since
};

enum peer_state { PEER_NEW, PEER_WELCOMED, PEER_CLIENT, PEER_WORKER, PEER_STATES };

struct peer {
    struct port *port;
    uint32_t address; // of the ROUTER
    uint64_t place;   // port and address: key of by_place
    uint64_t id;      // new for each HELLO; the core knows workers by it
    enum peer_state state;
    bool gone;                   // dropped, not buried yet
    char reason[PROTO_TEXT_MAX]; // why, once gone
    bool has_left;               // it said so itself
    bool is_cut;                 // WORKER: its connection broke, and it may come back
    bool is_back;                // gone: the same process has registered again
    unsigned rights;             // enum right
    uint64_t attends;            // the job whose attendant it is; 0: of none
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
    struct buf kept;            // msg_return: what it named before it registers again
    struct batch_writer leases; // the LEASE that is being written, into the two buffers
    bool leases_open;
    struct batch_writer recalls; // likewise the RECALL, into a buffer of its own
    bool recalls_open;
    struct buf recall_header;
    LIST_ENTRY(peer) of_leasing; // while it is
    struct need needs[NEEDS_MAX];
    unsigned n_needs;
    struct buf header;
    struct buf body;

    LIST_ENTRY(peer) of_gone; // once it is
    UT_hash_handle by_place;
    UT_hash_handle by_id;
};
LIST_HEAD(peer_list, peer);

// Makes a peer, in state NEW, of a message's sender. NULL: no memory.
struct peer *peer_new(struct port *port, const struct zmessage *m, const struct pass *pass);
// Frees it at once. For parting.h and the end of the server only.
void peer_free(struct peer *peer);

// The peer at an address, even one that is gone; NULL.
struct peer *peer_find(const struct port *port, uint32_t address);
// NULL: unknown, or gone.
struct peer *peer_of_id(const struct server *server, uint64_t id);

// Sends one message now; copies, never suspends. Returns 0; -ENOTCONN: `peer` is NULL or gone;
// -EAGAIN: the queue of a client is full, nothing was sent; -ENOMEM, -ENOBUFS: it can't be encoded.
// For any other error the peer has been dropped. Most callers need not look: a peer that missed a
// message asks again, and a dropped one is settled when it is buried.
int peer_say(struct peer *peer, enum msg_type type, const void *m);
int peer_say_with(struct peer *peer, enum msg_type type, const void *m, const void *body,
                  size_t body_len);
// The same for a message that is already encoded.
int peer_send(struct peer *peer, const struct buf *header, const void *body, size_t body_len);
// Marks it as gone. The reason, for the core and logs, is copied.
void peer_drop(struct peer *peer, const char *reason);
