// Carries out the core's actions.
#pragma once
#include <stdbool.h>

struct server;

// All that are waiting, in order. True if something was sent.
bool perform(struct server *server);
