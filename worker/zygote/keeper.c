#include "worker/zygote/keeper.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "worker/executor/sweep.h"
#include "worker/page.h"
#include "worker/zygote/zygote_main.h"

#define AGAIN_MS 100 // until the next try, when the machine refuses a process

static pid_t fork_zygote(int control, struct shared *shared, uint32_t life)
{
    pid_t keeper = getpid();
    pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != keeper)
            _exit(1);
        prctl(PR_SET_NAME, "fanmill-zygote");
        prctl(PR_SET_CHILD_SUBREAPER, 1);
        zygote_main(control, shared, life);
    }
    return pid;
}

// False: the agent is gone meanwhile.
static bool wait_for_room(int control)
{
    struct pollfd p = {.fd = control};
    return poll(&p, 1, AGAIN_MS) <= 0 || !(p.revents & (POLLHUP | POLLERR));
}

// Executors die with their zygote. What they ran is ended by group, and what escaped has become our
// child.
static void end_all(struct shared *shared)
{
    uint32_t n = atomic_load(&shared->slots_used);
    for (uint32_t slot = 0; slot < n && slot < PROTO_SLOTS_MAX; slot++) {
        int32_t group = atomic_exchange(&shared->pages[slot].group, 0);
        if (group > 1)
            kill(-group, SIGKILL);
    }
    sweep_all(kept_is_known, &shared->kept);
}

// How the zygote ended. Orphans that are kept may be reaped here, too.
static int wait_for(pid_t zygote)
{
    int status;
    pid_t pid;
    do {
        pid = waitpid(-1, &status, 0);
    } while (pid != zygote && (pid > 0 || errno == EINTR));
    return pid == zygote ? status : 0;
}

void keeper_main(int control, struct shared *shared)
{
    int status = 0;
    for (uint32_t life = 1;; life++) {
        pid_t zygote;
        while ((zygote = fork_zygote(control, shared, life)) < 0)
            if (!wait_for_room(control))
                goto out;
        status = wait_for(zygote);
        if (!WIFSIGNALED(status))
            break;
        end_all(shared);
    }
out:
    sweep_all(kept_for_good, &shared->kept);
    _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 0);
}
