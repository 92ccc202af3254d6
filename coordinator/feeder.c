// The feeder: a task for each job whose source is read here; it pulls when the core wants chunks.
#include <errno.h>
#include <sys/epoll.h>

#include "async/io.h"
#include "async/waitq.h"
#include "coordinator/internal.h"

static int wait_for_want(struct server_job *job)
{
    while (!job->wanted && !job->ended) {
        int r = waitq_wait(&job->feeder);
        if (r < 0)
            return r;
    }
    job->wanted = false;
    return job->ended ? -ECANCELED : 0;
}

static int pull(struct server_job *job, struct run *ret, struct err *err)
{
    for (;;) {
        int r = source_next(job->source, &job->want, ret, err);
        if (r != -EAGAIN)
            return r;
        r = io_wait(source_fd(job->source), EPOLLIN);
        if (r < 0)
            return r;
        if (job->ended)
            return -ECANCELED;
    }
}

static int feed(void *arg)
{
    struct server_job *job = arg;
    struct server *server = job->server;
    struct err err = {0};
    int r;
    while ((r = wait_for_want(job)) == 0) {
        struct run run = {0};
        r = pull(job, &run, &err);
        if (r != 1)
            break;
        server_event(server, &(struct event){.type = EV_FED, .job = job->id, .run = &run});
    }
    if (!job->ended && !job->forgotten && r != -ECANCELED) {
        struct event end = {.type = EV_FED_END, .job = job->id};
        end.fed_end.code = r;
        end.fed_end.text = err.text;
        server_event(server, &end);
    }
    job->feeding = false;
    if (job->forgotten)
        job_release(job);
    return 0;
}

int feeder_start(struct server_job *job)
{
    job->feeding = true;
    job->feeder_task = group_go(&job->server->feeders, "feeder", feed, job);
    if (!job->feeder_task)
        job->feeding = false;
    return job->feeder_task ? 0 : -ENOMEM;
}
