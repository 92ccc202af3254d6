// The one way into the core: every event of every file passes here, in the order in which the core
// sees it. Whoever wants to know what the core was given looks here and nowhere else.
#pragma once
#include <stdint.h>

struct event;
struct server;

// Hands one event to the core and asks for a flush at the end of the turn. The event is borrowed.
// 0, or core_handle()'s -EINVAL or -ENOMEM.
int server_event(struct server *server, const struct event *event);
// The end of the turn: the core makes its leases, wants and deliveries of all events since the
// last flush, and the request for one is met.
void server_flush(struct server *server);
// From here on at most so many bytes of a job's results may wait.
void server_hold_at_most(struct server *server, uint64_t bytes);
