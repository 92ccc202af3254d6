// The one way into the core: whatever changes the core passes through these three functions, in the
// order in which the core sees it.
#pragma once
#include <stdint.h>

struct event;
struct server;

// Hands one event to the core and asks for a flush at the end of the turn. The event is borrowed.
// 0, or core_handle()'s -EINVAL or -ENOMEM.
int server_event(struct server *server, const struct event *event);
// The end of the turn: the core makes leases, wants and deliveries of all events since the last
// flush.
void server_flush(struct server *server);
// Limits how many bytes of a job's results may wait, from here on.
void server_hold_at_most(struct server *server, uint64_t bytes);
