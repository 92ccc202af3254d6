// The core's actions are carried out.
#pragma once
#include <stdbool.h>

struct server;

// All that wait, in their order. True when something was sent.
bool perform(struct server *server);
