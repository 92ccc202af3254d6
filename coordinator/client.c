// The life of a client, from its first message to what becomes of its jobs when it has gone.
//
// In: a connection that is made (door.c) or lost (parting.c), and time. Out: streams that end, jobs
// that are abandoned, answers to requests.
//
// Losing a client's streams may forget jobs, and so does its end: no caller holds a job meanwhile.
#include "coordinator/client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "coordinator/feeder.h"
#include "coordinator/peer.h"
#include "coordinator/readers.h"
#include "coordinator/server_job.h"
#include "coordinator/shell.h"

struct client *client_find(const struct server *server, const struct peer *peer)
{
    struct client *client = NULL;
    HASH_FIND(hh, server->clients, peer->session, sizeof(peer->session), client);
    return client && strcmp(client->user, peer->user) == 0 ? client : NULL;
}

struct client *client_new(struct peer *peer)
{
    struct server *server = peer->port->server;
    struct client *client = calloc(1, sizeof(*client));
    if (!client)
        return NULL;
    client->server = server;
    memcpy(client->session, peer->session, sizeof(client->session));
    memcpy(client->user, peer->user, sizeof(client->user));
    TAILQ_INIT(&client->questions);
    HASH_ADD(hh, server->clients, session, sizeof(client->session), client);
    client->attends = peer->attends;
    if (client->attends)
        attending_came(client);
    client_back(client, peer);
    return client;
}

void client_back(struct client *client, struct peer *peer)
{
    client->peer = peer;
    client->rights = peer->rights;
    peer->client = client;
    peer->state = PEER_CLIENT;
    struct server_job *job = client->attends ? attending_of(client->server, client->session) : NULL;
    if (job && job->want_open && feeder_of(job) == client)
        feeder_ask(job);
    LIST_FOREACH (job, &client->jobs, of_client)
        if (job->want_open)
            feeder_ask(job);
}

void client_away(struct client *client)
{
    // On a Unix socket a broken connection means that the client is dead.
    bool is_private = client->peer->port->is_private;
    client->peer = NULL;
    client->away_until = clock_after(loop_now(), is_private ? PROTO_SILENCE_NS : CLIENT_AWAY_NS);
    // It opens and asks again when it is back.
    readers_drop(client);
    questions_drop(client);
}

void client_end(struct client *client)
{
    struct server *server = client->server;
    if (client->peer)
        client->peer->client = NULL;
    readers_drop(client);
    questions_drop(client);
    while (!LIST_EMPTY(&client->jobs)) {
        struct server_job *job = LIST_FIRST(&client->jobs);
        log_info("job cancelled: its client is gone", "job=%llu", (unsigned long long)job->id);
        server_job_abandon(job, CANCEL_RUNNING);
    }
    if (client->attends)
        attending_left(client);
    HASH_DELETE(hh, server->clients, client);
    free(client);
}

void clients_check(struct server *server, int64_t now)
{
    struct client *client, *next;
    HASH_ITER (hh, server->clients, client, next)
        if (!client->peer && now >= client->away_until)
            client_end(client);
}
