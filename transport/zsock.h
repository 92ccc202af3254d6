// ZeroMQ sockets in the event loop. This room is the only one that sees zmq.h.
//
// A zsock calls back when something may be read. The reader must read until -EAGAIN or leave the
// rest on purpose: the socket looks at its events again before the loop sleeps, so nothing is lost
// by reading or writing at any time. All sockets are made with LINGER 0, a maximum message size and
// a handshake deadline; a ROUTER refuses to drop (ROUTER_MANDATORY).
//
// TCP needs keys (CURVE, https://rfc.zeromq.org/spec/26/), always. On TCP the kernel notices a host
// that vanished (keepalive, and a time limit for what is not acknowledged). ZMTP's
// heartbeats are not used: their answers wait for a large message to go out, so on a thin link
// they would break the connection that carries it. A Unix socket reports a dead peer by itself.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"

struct transport;
struct zsock;

// One context for the process. Never made before a fork whose child goes on without it: the zygote
// is forked first. -EMFILE, -ENOMEM.
int transport_new(struct transport **ret, struct err *err);
// Ends the context; all its sockets must be closed. Blocks for the I/O thread, not for the network.
struct transport *transport_free(struct transport *t);

enum zsock_kind {
    ZSOCK_ROUTER, // the coordinator's end: many peers, each with a number
    ZSOCK_DEALER, // a worker's or client's end: one peer
};

typedef void zsock_ready_fn(void *arg);

// Opens a socket and puts it into the running loop. `ready` is called from the loop.
int zsock_open(struct transport *t, enum zsock_kind kind, zsock_ready_fn *ready, void *arg,
               struct zsock **ret, struct err *err);
// The same without a loop, for programs that block or have a loop of their own.
int zsock_open_plain(struct transport *t, enum zsock_kind kind, struct zsock **ret,
                     struct err *err);
struct zsock *zsock_close(struct zsock *z);
// How long closing may go on sending what was sent last. Only for a last message.
#define ZSOCK_BYE_MS 200
void zsock_set_linger(struct zsock *z, int ms);
// Of a plain socket: readable when there may be news. It reports edges: after one, and after every
// use of the socket, zsock_readable says whether something can be received.
int zsock_fd(const struct zsock *z);
bool zsock_readable(struct zsock *z);
// Keys come before bind and connect. `domain` is what the authentication handler (transport/zap.h)
// is asked about; it must exist before the bind.
struct keypair;
int zsock_set_server_keys(struct zsock *z, const struct keypair *keys, const char *domain,
                          struct err *err);
int zsock_set_client_keys(struct zsock *z, const char *server_key, const struct keypair *own,
                          struct err *err);
// "ipc:///dir/name" in a directory that is ours alone, "inproc://name" within the process,
// "tcp://host:port" on a socket with keys (-EPERM without); port "*" or 0 is any.
int zsock_bind(struct zsock *z, const char *endpoint, struct err *err);
int zsock_connect(struct zsock *z, const char *endpoint, struct err *err);
// Where the socket was bound last, with the port that was chosen.
int zsock_endpoint(const struct zsock *z, char *ret, size_t size);
// Asks to be called again in the next turn of the loop although no new message came: for readers
// that stop after a fair share.
void zsock_again(struct zsock *z);

// A received message: a header frame and at most one body frame.
struct zmessage {
    uint32_t peer; // ROUTER: number of the sender
    const uint8_t *header;
    size_t header_len;
    struct slab *body; // NULL: none. One count, the receiver's
    struct slab *header_slab;
};
void zmessage_done(struct zmessage *m);
// Who sent it, as the authentication handler said; "" without one. Borrowed from the message.
const char *zmessage_user(const struct zmessage *m);
// The sender's address; "" if it has none.
const char *zmessage_from(const struct zmessage *m);

// The TCP connection that a message came by, so that it can be cut.
struct zconnection {
    int fd; // ZeroMQ's own; -1: none
    char name[64];
    uint64_t received; // bytes, at the last look
};
void zmessage_connection(const struct zmessage *m, struct zconnection *ret);
// Whether much more has arrived since the last look than the small messages of an idle peer: then a
// large message is on its way, and its sender is not silent although no message is complete.
#define ZCONNECTION_MUCH 2048
bool zconnection_is_receiving(struct zconnection *c);
// Ends it, if it is still the same. -ENOTCONN: it is not.
int zconnection_cut(const struct zconnection *c);

// Takes the next message. 1, or -EAGAIN; -EBADMSG for one of no known form (dropped whole;
// m->peer is its sender if known, else 0).
int zsock_recv(struct zsock *z, struct zmessage *ret);
// Sends one message; copies. `peer` is for a ROUTER. -EAGAIN: the peer's queue is full,
// -EHOSTUNREACH: it is gone, -EMSGSIZE: over PROTO_MESSAGE_MAX-like limits of the peer.
int zsock_send(struct zsock *z, uint32_t peer, const void *header, size_t header_len,
               const void *body, size_t body_len);
