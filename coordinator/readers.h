// What clients read: OPEN, TAKE, CLOSE, and the records on their way out.
#pragma once
#include <stdbool.h>

struct client;
struct server;

// Sends what the dirty streams may have. True when something was sent. May forget jobs.
bool readers_send(struct server *server);
// Ends all streams of a client that is gone, without a word. May forget jobs.
void readers_drop(struct client *client);
