#include "cli/run/local.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "async/io.h"
#include "async/scope.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "worker/agent/worker.h"
#include "worker/jobserver.h"

#define STOP_NS (10 * NS_PER_S) // long enough for TERM, grace and KILL of its commands

// The worker keeps the user's stderr, for its messages, and nothing else.
static void detach_stdio(void)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null < 0)
        return;
    dup2(null, STDIN_FILENO);
    dup2(null, STDOUT_FILENO);
    if (null > STDERR_FILENO)
        close(null);
}

static _Noreturn void be_worker(const struct localdir *dir, uint32_t slots, int lifeline,
                                struct jobserver *js)
{
    // A session of its own: the terminal's Ctrl-C must reach the coordinator alone.
    setsid();
    detach_stdio();
    const struct worker_options options = {.endpoint = dir->endpoint,
                                           .name = "local",
                                           .slots = slots,
                                           .lifeline_fd = lifeline,
                                           .end_fd = -1,
                                           .ready_fd = -1,
                                           .jobserver = js,
                                           .local = dir};
    int status = worker_main(&options);
    jobserver_free(js);
    exit(status);
}

int local_worker_start(const struct localdir *dir, uint32_t slots, struct jobserver *js,
                       struct local_worker *ret, struct err *err)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0)
        return err_sys(err, -errno, "can't make a pipe");
    fflush(NULL); // else buffered bytes would be written twice
    pid_t pid = fork();
    if (pid < 0) {
        int code = -errno;
        close(ends[0]);
        close(ends[1]);
        return err_sys(err, code, "can't start the worker process");
    }
    if (pid == 0) {
        close(ends[1]);
        be_worker(dir, slots, ends[0], js);
    }
    close(ends[0]);
    *ret = (struct local_worker){.pid = pid, .lifeline = ends[1]};
    return 0;
}

static void say(const struct local_worker *worker, char byte)
{
    ssize_t n = worker->lifeline >= 0 ? write(worker->lifeline, &byte, 1) : 0;
    (void)n; // a dead worker is noticed by its end
}

void local_worker_go(struct local_worker *worker)
{
    say(worker, LIFELINE_GO);
}

void local_worker_pause(struct local_worker *worker, bool pause)
{
    say(worker, pause ? LIFELINE_PAUSE : LIFELINE_RESUME);
}

void local_worker_stop(struct local_worker *worker)
{
    if (worker->lifeline >= 0)
        close(worker->lifeline);
    worker->lifeline = -1;
    if (worker->pid <= 0)
        return;
    struct scope shield;
    scope_enter_shield(&shield, STOP_NS);
    int status;
    int r = child_wait(worker->pid, &status);
    scope_leave(&shield);
    if (r < 0 && r != -ECHILD) {
        kill(worker->pid, SIGKILL);
        waitpid(worker->pid, &status, 0);
    }
    worker->pid = 0;
}

void local_worker_abandon(struct local_worker *worker)
{
    if (worker->lifeline >= 0)
        close(worker->lifeline);
    worker->lifeline = -1;
    while (worker->pid > 0 && waitpid(worker->pid, NULL, 0) < 0 && errno == EINTR)
        ;
    worker->pid = 0;
}
