// Records on their way to clients.
#pragma once
#include <stdbool.h>

struct client;
struct server;

// Sends what the credit of the dirty streams allows. True if something was sent. May forget jobs.
bool readers_send(struct server *server);
// Frees all streams of a client without sending END. May forget jobs.
void readers_drop(struct client *client);
