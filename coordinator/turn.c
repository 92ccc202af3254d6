#include "coordinator/turn.h"

#include "coordinator/core/core.h"
#include "coordinator/shell.h"

static int hand_in(struct server *server, const struct event *event)
{
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
    core_hold_at_most(server->core, bytes);
}
