#include "worker/executor/sweep.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>

#include "base/clock.h"
#include "worker/process.h"

// A round of killing can miss a process that is just being born; the next round gets it.
#define ROUND_NS (2 * NS_PER_MS)
#define SWEEP_NS (5 * NS_PER_S)

struct sweep {
    process_spare_fn *spare;
    void *arg;
    int found; // not spared
    int killed;
};

static void kill_child(void *arg, pid_t pid)
{
    struct sweep *sweep = arg;
    if (sweep->spare && sweep->spare(sweep->arg, pid))
        return;
    sweep->found++;
    if (kill(pid, SIGKILL) == 0)
        sweep->killed++;
}

int sweep_kill(process_spare_fn *spare, void *arg)
{
    struct sweep sweep = {.spare = spare, .arg = arg};
    process_children(kill_child, &sweep);
    return sweep.killed;
}

bool sweep_all(process_spare_fn *spare, void *arg)
{
    int64_t deadline = clock_after(clock_now(), SWEEP_NS);
    for (;;) {
        struct sweep sweep = {.spare = spare, .arg = arg};
        process_children(kill_child, &sweep);
        pid_t pid;
        do {
            pid = waitpid(-1, NULL, WNOHANG);
        } while (pid > 0 || (pid < 0 && errno == EINTR));
        if (pid < 0 || !sweep.found)
            return true;
        if (clock_now() >= deadline)
            return false;
        // A killed child is gone in well under a round; this only keeps the loop from spinning.
        struct timespec round = {.tv_nsec = ROUND_NS};
        nanosleep(&round, NULL);
    }
}
