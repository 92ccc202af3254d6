#include "worker/pool/permits.h"

#include <stddef.h>
#include <sys/epoll.h>

#include "base/container.h"
#include "worker/jobserver.h"

bool permits_take(struct permits *p, uint32_t running)
{
    // The first is free.
    while (p->js && jobserver_tokens(p->js) < running)
        if (!jobserver_take(p->js)) {
            p->waits = true;
            return false;
        }
    return true;
}

static void on_readable(struct watch *watch, uint32_t events)
{
    struct permits *p = container_of(watch, struct permits, watch);
    (void)events;
    watch_remove(watch);
    p->watching = false;
    p->ready(p->arg);
}

void permits_settle(struct permits *p, uint32_t running)
{
    if (!p->js)
        return;
    uint32_t need = running ? running - 1 : 0;
    while (jobserver_tokens(p->js) > need && jobserver_give(p->js))
        ;
    if (running == 0)
        jobserver_restore(p->js);
    // Others may be faster: then we are refused once more, and wait again.
    if (p->waits && !p->watching)
        p->watching = watch_add(&p->watch, jobserver_fd(p->js), EPOLLIN, on_readable) == 0;
    else if (!p->waits && p->watching) {
        watch_remove(&p->watch);
        p->watching = false;
    }
    p->waits = false;
}

void permits_done(struct permits *p)
{
    if (p->watching)
        watch_remove(&p->watch);
    p->watching = false;
    while (p->js && jobserver_tokens(p->js) && jobserver_give(p->js))
        ;
}
