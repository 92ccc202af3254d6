// A program that submits jobs and reads their results. It survives the loss of its connection for
// PROTO_SILENCE_NS: its jobs go on, its streams are closed, and it reopens them when it is back.
// After that time, or with its BYE, it ends together with the jobs that are its own.
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <uthash.h>

#include "coordinator/answer.h"
#include "coordinator/questions.h"
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
    uint64_t attends; // the only job that it may touch: coordinator/attending.h; 0: a true client
    char user[PROTO_NAME_MAX];
    struct stream_list streams;
    struct out_stream *by_number; // the same ones
    uint64_t untaken;             // bytes of all of them that were sent and not taken
    bool is_held_up;              // one of them is, because of the others
    LIST_HEAD(, server_job) jobs; // its own, that are not detached

    // Its requests that wait: questions.h.
    struct question_list questions;
    uint32_t n_questions;
    uint64_t pages[QUESTION_PAGES]; // requests of the pages that it has not taken
    unsigned n_pages;
    bool is_asking;
    TAILQ_ENTRY(client) of_asking;
    UT_hash_handle hh; // by session
};

// The client of the peer's session, or NULL.
// How long a client whose connection over a network broke may take to come back.
#define CLIENT_AWAY_NS (120 * 1000000000ll)

struct client *client_find(const struct server *server, const struct peer *peer);
// Makes a new client of a peer in state WELCOMED (NULL: no memory), or the peer the new connection
// of a client that was away.
struct client *client_new(struct peer *peer);
void client_back(struct client *client, struct peer *peer);
// Its connection is lost.
void client_away(struct client *client);
// Ends its streams and the jobs that are its own, and frees it.
void client_end(struct client *client);
// Ends the clients that have been away for too long.
void clients_check(struct server *server, int64_t now);
