// ANSWER to a client's request.
#pragma once
#include <stdint.h>

struct client;

// Answers a request if the client is connected. Always returns 0, so that a handler can end with
// it.
int client_answer(struct client *client, uint64_t request, int code, uint64_t value,
                  const char *text);
