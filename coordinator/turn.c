#include "coordinator/turn.h"

#include "coordinator/core/core.h"
#include "coordinator/event_file.h"
#include "coordinator/shell.h"

static int hand_in(struct server *server, const struct event *event)
{
    event_file_add(server->events, event, loop_now());
    return core_handle(server->core, event, loop_now(), &server->actions);
}

int server_event(struct server *server, const struct event *event)
{
    server->must_flush = true;
    return hand_in(server, event);
}

void server_flush(struct server *server)
{
    server->must_flush = false;
    hand_in(server, &(struct event){.type = EV_FLUSH});
}

void server_hold_at_most(struct server *server, uint64_t bytes)
{
    hand_in(server, &(struct event){.type = EV_HOLD, .held_bytes = bytes});
}
