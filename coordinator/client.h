// A program that submits and reads. It outlives a broken connection for PROTO_SILENCE_NS: its jobs
// go on, its streams are closed and opened again by it. Then, or with its BYE, it ends, and the
// jobs that are its own with it.
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <uthash.h>

#include "coordinator/stream.h"
#include "proto/limits.h"

struct peer;
struct server;

struct client {
    struct server *server;
    uint8_t session[PROTO_SESSION_BYTES];
    struct peer *peer; // NULL: away
    int64_t away_until;
    unsigned rights;
    char user[PROTO_NAME_MAX];
    struct stream_list streams;
    uint32_t n_streams;
    UT_hash_handle hh; // by session
};

// The client that the peer's session belongs to; NULL.
struct client *client_find(const struct server *server, const struct peer *peer);
// The peer, in state WELCOMED, becomes a client, or the connection of one that was away. NULL: no
// memory.
struct client *client_new(struct peer *peer);
void client_back(struct client *client, struct peer *peer);
// Its connection is gone.
void client_away(struct client *client);
// Ends its streams and the jobs that are its own, and frees it.
void client_end(struct client *client);
// Ends those that were away for too long.
void clients_check(struct server *server, int64_t now);
// Answers a request, if the client is there. Always 0, so that a verb ends with it.
int client_answer(struct client *client, uint64_t request, int code, uint64_t value,
                  const char *text);
