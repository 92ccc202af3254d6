// ZeroMQ sockets in the event loop. This room is the only one that sees zmq.h.
//
// A zsock calls back when something may be there to read. The reader must read until -EAGAIN or
// leave the rest on purpose: the socket looks at its events again before the loop sleeps, so
// nothing is lost by reading or writing at any time. All sockets are made with LINGER 0, a maximum
// message size and a handshake deadline; a ROUTER refuses to drop (ROUTER_MANDATORY).
//
// TCP needs keys (CURVE, https://rfc.zeromq.org/spec/26/), always. On TCP the kernel notices a host
// that is gone without a word (keepalive, and a limit of time for what is not acknowledged). ZMTP's
// heartbeats are not used: their answers wait for a large message to go out, so on a thin link they
// would break the connection that carries it. A Unix socket reports a dead peer by itself.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "transport/zmessage.h"

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
// How long closing may go on sending. Of use for a last message only.
#define ZSOCK_BYE_MS 200
void zsock_set_linger(struct zsock *z, int ms);
// Of a plain socket: readable when something may have come. It is edge-triggered: after it, and
// after every use of the socket, zsock_readable says whether something can be received.
int zsock_fd(const struct zsock *z);
bool zsock_readable(struct zsock *z);
// Keys come before bind and connect. `domain` is what the authentication handler (transport/zap.h)
// is asked about; it must be open before the bind.
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

// Takes the next message. 1, or -EAGAIN; -EBADMSG for one of an unknown form (dropped whole;
// ret->peer is its sender if that is known, else 0).
int zsock_recv(struct zsock *z, struct zmessage *ret);
// Sends one message; copies. `peer` is for a ROUTER. -EAGAIN: the peer's queue is full,
// -EHOSTUNREACH: it is gone, -EMSGSIZE: over ZMESSAGE_MAX.
int zsock_send(struct zsock *z, uint32_t peer, const void *header, size_t header_len,
               const void *body, size_t body_len);
